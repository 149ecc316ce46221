"""The routes that start, stop and archive sandboxes, and those that set something about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.daytona_server.errors import ApiError, bad_request, conflict
from tests.daytona_server.records import SandboxRecord
from tests.daytona_server.sandbox_states import StartFailed, boot, go, halt, taking_place
from tests.daytona_server.sandboxes import check_interval, start_destroying

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World


def _at_rest(world: World, call: Call) -> SandboxRecord:
    """Return the sandbox of the request, unless it failed or another change is in progress."""
    sandbox = world.sandbox(call.param("id"))
    if sandbox.state in ("error", "build_failed"):
        raise bad_request("Sandbox is in an errored state")
    if sandbox.changing:
        raise conflict("Sandbox state change in progress")
    return sandbox


async def start_sandbox(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/start``: from ``stopped`` or ``archived``; one that runs is left so."""
    sandbox = world.sandbox(call.param("id"))
    if sandbox.state == "started":
        return sandbox.document()
    sandbox = _at_rest(world, call)
    if sandbox.state == "paused":
        raise ApiError(422, "Resuming is not supported for this sandbox")
    if sandbox.state == "archived":
        return await _start(world, sandbox, "restoring", block=0)
    if sandbox.state != "stopped":
        raise bad_request("Sandbox is not in valid state")
    return await _start(world, sandbox, "starting", block=world.timing.start_block)


async def recover_sandbox(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/recover``: from an error that can be mended."""
    sandbox = world.sandbox(call.param("id"))
    if not sandbox.recoverable:
        raise bad_request("Sandbox is not in a recoverable state")
    if sandbox.state != "error":
        raise bad_request("Sandbox must be in error state to recover")
    sandbox.recoverable = False
    sandbox.error_reason = None
    if call.flag("skipStart"):
        sandbox.desired = "stopped"
        go(world, sandbox, "stopped")
        return sandbox.document()
    return await _start(world, sandbox, "starting", block=world.timing.start_block)


async def _start(world: World, sandbox: SandboxRecord, state: str, block: float) -> Any:
    sandbox.desired = "started"
    go(world, sandbox, state)
    work = world.engine.start if world.engine is not None else None
    starting = taking_place(world, boot(world, sandbox, work))
    if block <= 0:
        return sandbox.document()
    try:
        await starting.within(block)
    except StartFailed as error:
        raise bad_request(f"Sandbox failed to start: {error}") from error
    return sandbox.document()


async def stop_sandbox(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/stop``; one that deletes itself when it stops is gone then."""
    sandbox = _at_rest(world, call)
    if sandbox.state != "started":
        raise bad_request("Sandbox is not in a stoppable state")
    auto_stop(world, sandbox, force=call.flag("force"))
    return sandbox.document()


def auto_stop(world: World, sandbox: SandboxRecord, *, force: bool = False) -> None:
    """Stop a running sandbox; one that deletes itself when it stops goes at once."""
    if sandbox.intervals.get("autoDeleteInterval") == 0:
        start_destroying(world, sandbox)
        return
    sandbox.desired = "stopped"
    go(world, sandbox, "stopping")
    world.spawn(_stop(world, sandbox, force))


async def _stop(world: World, sandbox: SandboxRecord, force: bool) -> None:
    await halt(world, sandbox)
    if world.engine is not None:
        await world.in_thread(world.engine.stop, sandbox, force)
    await world.pause(world.timing.stop)
    go(world, sandbox, "stopped")


async def archive_sandbox(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/archive``: from ``stopped`` only."""
    sandbox = _at_rest(world, call)
    if sandbox.state != "stopped":
        raise bad_request("Sandbox is not stopped")
    if sandbox.intervals.get("autoDeleteInterval") == 0:
        raise bad_request("Ephemeral sandboxes cannot be archived")
    sandbox.desired = "archived"
    go(world, sandbox, "archiving")
    world.spawn(_archive(world, sandbox))
    return sandbox.document()


async def _archive(world: World, sandbox: SandboxRecord) -> None:
    await world.pause(world.timing.archive)
    go(world, sandbox, "archived")


async def pause_sandbox(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/pause``: containers can't be."""
    if world.sandbox(call.param("id")).state != "started":
        raise bad_request("Sandbox must be in started state to pause")
    raise ApiError(422, "Pausing is not supported for this sandbox")


async def resize_sandbox(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/resize``: what is not said stays."""
    sandbox = _at_rest(world, call)
    sandbox.cpu = int(call.json.get("cpu", sandbox.cpu))
    sandbox.memory = int(call.json.get("memory", sandbox.memory))
    sandbox.disk = int(call.json.get("disk", sandbox.disk))
    go(world, sandbox, sandbox.state)
    return sandbox.document()


async def replace_labels(world: World, call: Call) -> Any:
    """``PUT /sandbox/{id}/labels``: all of them."""
    sandbox = world.sandbox(call.param("id"))
    sandbox.labels = dict(call.json["labels"])
    go(world, sandbox, sandbox.state)
    return {"labels": sandbox.labels}


async def set_public(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/public/{true or false}``."""
    sandbox = world.sandbox(call.param("id"))
    sandbox.public = call.param("isPublic").lower() == "true"
    go(world, sandbox, sandbox.state)
    return sandbox.document()


async def set_interval(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/autostop/{minutes}`` and its relatives."""
    sandbox = world.sandbox(call.param("id"))
    keys = {
        "autostop": "autoStopInterval",
        "autopause": "autoPauseInterval",
        "autoarchive": "autoArchiveInterval",
        "autodelete": "autoDeleteInterval",
    }
    what = call.request.url.path.rsplit("/", 2)[-2]
    minutes = int(float(call.param("interval")))
    check_interval(keys[what], minutes)
    sandbox.intervals[keys[what]] = minutes
    go(world, sandbox, sandbox.state)
    return sandbox.document()


async def set_network(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/network-settings``: kept, not enforced."""
    sandbox = world.sandbox(call.param("id"))
    sandbox.network.update(call.json)
    go(world, sandbox, sandbox.state)
    return sandbox.document()
