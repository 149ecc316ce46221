"""What is in front of the toolbox: the proxy, which knows keys, and the runner of the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.daytona_server.errors import ApiError
from tests.daytona_server.records import SandboxRecord
from tests.daytona_server.toolbox_errors import BareError, ToolboxError, unauthorized

if TYPE_CHECKING:
    from tests.daytona_server.state import World

CACHED = timedelta(minutes=2)
NO_ADDRESS = "no IP address found. Is the Sandbox started?"
_REFUSED = "dial tcp 172.20.0.5:2280: connect: connection refused"
_NO_KEY = (
    "missing authentication: provide a preview access token (via header, query parameter, or "
    "cookie) or use an API key or JWT"
)


def _runner(status: int, message: str, code: str = "BAD_REQUEST") -> Callable[[str], ToolboxError]:
    return lambda path: ToolboxError(status, message, code, f"/sandboxes{path}")


def _proxy(status: int, message: str, code: str) -> Callable[[str], ToolboxError]:
    return lambda path: ToolboxError(status, message, code, f"/toolbox{path}")


# What is said of a sandbox that does not run, by versions and moments; a test can ask for each.
NOT_RUNNING: Mapping[str, Callable[[str], ToolboxError]] = {
    "no_address": _runner(400, f"bad request: {NO_ADDRESS}"),
    "not_resolved": _runner(400, f"bad request: failed to resolve container IP: {NO_ADDRESS}"),
    "three_attempts": _runner(
        400, f"bad request: failed to resolve container IP after 3 attempts: {NO_ADDRESS}"
    ),
    "might_not_run": _runner(
        400, "bad request: container has no IP address, it might not be running"
    ),
    "no_container": _runner(
        404,
        "not found: sandbox container not found: Error response from daemon: No such container",
        "NOT_FOUND",
    ),
    "no_runner": _proxy(
        400, "bad request: failed to get runner info: 404 Not Found", "BAD_REQUEST"
    ),
    "going_down": lambda _: BareError(502, ""),
    # From version 0.19x of the source on.
    "not_started": _proxy(
        400, "sandbox is not running — start the sandbox before accessing it", "SANDBOX_NOT_STARTED"
    ),
    "unreachable": _proxy(
        400,
        f"sandbox daemon is not reachable — the sandbox may not be running: {_REFUSED}",
        "SANDBOX_NOT_STARTED",
    ),
    "no_address_typed": _proxy(
        400,
        f"failed to resolve container IP after 3 attempts: {NO_ADDRESS}",
        "SANDBOX_NOT_STARTED",
    ),
    "runner_unreachable": _proxy(502, f"runner is unreachable: {_REFUSED}", "RUNNER_UNREACHABLE"),
}
_BY_STATE = {
    "stopping": "going_down",
    "archiving": "no_container",
    "archived": "no_runner",
    "destroying": "no_container",
}


def let_in(world: World, authorization: str, id_: str, path: str) -> None:
    """Let a client's key in to a sandbox, or refuse it.

    What the proxy found out it believes for two minutes, also of a sandbox that is gone.
    """
    cached = world.toolbox_access.get((id_, authorization))
    if cached is not None and world.now() < cached + CACHED:
        return
    if not authorization.startswith("Bearer "):
        world.keys.refused += 1
        raise unauthorized(_NO_KEY, path)
    try:
        world.keys.authenticate(authorization, world.now())
        world.sandbox(id_)
    except ApiError as error:
        if error.status == 429:
            raise
        raise unauthorized("authentication failed: Bearer token is invalid", path) from None
    world.toolbox_access[id_, authorization] = world.now()


def running_sandbox(world: World, id_: str, path: str) -> SandboxRecord:
    """Return a sandbox that runs; ``path`` is that of the request below the toolbox."""
    try:
        sandbox = world.sandbox(id_)
    except ApiError:
        raise NOT_RUNNING["no_container"](path) from None
    if sandbox.state != "started":
        raise not_running(world, sandbox, path)
    return sandbox


def not_running(world: World, sandbox: SandboxRecord, path: str) -> ToolboxError:
    """Return what is said of a sandbox that does not run."""
    kind = world.stopped_answer or _BY_STATE.get(sandbox.state, "three_attempts")
    return NOT_RUNNING[kind](path)
