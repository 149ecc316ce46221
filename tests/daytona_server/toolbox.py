"""The toolbox: what goes on inside a sandbox, beside the API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.daytona_server.command_logs import Asker, entrypoint_log
from tests.daytona_server.errors import ApiError, bad_request
from tests.daytona_server.executions import Order, finish, launch
from tests.daytona_server.records import SandboxRecord
from tests.daytona_server.session_shell import STDOUT

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

EXECUTE_SECONDS = 10.0


async def proxy_url(world: World, call: Call) -> Any:
    """``GET /sandbox/{id}/toolbox-proxy-url``."""
    return {"url": world.sandbox(call.param("id")).toolbox_url}


def running_sandbox(world: World, call: Call) -> SandboxRecord:
    """Return the sandbox of the request, which must be running."""
    sandbox = world.sandbox(call.param("id"))
    if sandbox.state != "started":
        raise bad_request(f"Sandbox is not running (state: {sandbox.state})")
    return sandbox


async def execute(world: World, call: Call) -> Any:
    """``POST /toolbox/{id}/process/execute``: one command, and what it wrote."""
    sandbox = running_sandbox(world, call)
    request = call.json
    if not request.get("command"):
        raise bad_request("command is required")
    env = dict(request.get("envs") or {})
    execution = await launch(world, sandbox, Order(request["command"], request.get("cwd"), env))
    try:
        outcome = await asyncio.wait_for(
            finish(execution), request.get("timeout") or EXECUTE_SECONDS
        )
    except TimeoutError:
        raise ApiError(408, "command execution timeout") from None
    return {"exitCode": outcome.code, "result": outcome.output.decode(errors="replace")}


async def entrypoint_session(world: World, call: Call) -> Any:
    """``GET …/process/session/entrypoint``."""
    sandbox = running_sandbox(world, call)
    command = {"id": "entrypoint_command", "command": " ".join(sandbox.entrypoint)}
    return {"sessionId": "entrypoint", "commands": [command]}


async def entrypoint_logs(world: World, call: Call) -> Any:
    """``GET …/process/session/entrypoint/logs``: all that the entry point has written so far."""
    sandbox = running_sandbox(world, call)
    return entrypoint_log(Asker(call.request.headers), await _log(world, sandbox))


async def _log(world: World, sandbox: SandboxRecord) -> bytes:
    if world.engine is None:
        return b"".join(marked(line) for line in list(sandbox.log))
    from tests.daytona_server.engine_logs import entrypoint_lines

    lines = entrypoint_lines(world.engine, sandbox, follow=False)
    return b"".join([line async for line in lines])


def marked(line: str | bytes) -> bytes:
    """Return what stands in the log for a line of a sandbox without a container."""
    return line if isinstance(line, bytes) else STDOUT + line.encode() + b"\n"
