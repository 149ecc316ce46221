"""The toolbox: what goes on inside a sandbox, beside the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from starlette.responses import StreamingResponse

from tests.daytona_server.errors import ApiError, bad_request
from tests.daytona_server.executions import Order, finish, launch
from tests.daytona_server.records import SandboxRecord

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

EXECUTE_SECONDS = 10.0
FOLLOW_SECONDS = 0.05


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
    """``GET …/process/session/entrypoint/logs``: all that the entry point has written.

    With ``follow`` also what it goes on to write, as plain text, while the sandbox runs.
    """
    sandbox = running_sandbox(world, call)
    if call.flag("follow"):
        return StreamingResponse(_following(world, sandbox), media_type="text/plain")
    stdout, stderr = await _logs(world, sandbox)
    return {"output": stdout + stderr, "stdout": stdout, "stderr": stderr}


async def _logs(world: World, sandbox: SandboxRecord) -> tuple[str, str]:
    if world.engine is None:
        return "".join(f"{line}\n" for line in sandbox.log), ""
    return await world.in_thread(world.engine.logs, sandbox)


async def _following(world: World, sandbox: SandboxRecord) -> AsyncIterator[str]:
    sent = [0, 0]
    while sandbox.state == "started" and not world.closing.is_set():
        for number, text in enumerate(await _logs(world, sandbox)):
            if text[sent[number] :]:
                yield text[sent[number] :]
            sent[number] = len(text)
        await world.pause(FOLLOW_SECONDS)
