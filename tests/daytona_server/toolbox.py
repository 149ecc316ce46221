"""The toolbox: what goes on inside a sandbox, beside the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from tests.daytona_server import toolbox_door
from tests.daytona_server.command_logs import Asker, as_json_text, marked_log
from tests.daytona_server.errors import ApiError
from tests.daytona_server.executions import Order, finish, launch, once
from tests.daytona_server.records import SandboxRecord
from tests.daytona_server.session_shell import STDOUT
from tests.daytona_server.toolbox_door import not_running
from tests.daytona_server.toolbox_errors import BareError, timed_out

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World


POLL_SECONDS = 0.02


async def proxy_url(world: World, call: Call) -> Any:
    """``GET /sandbox/{id}/toolbox-proxy-url``."""
    return {"url": world.sandbox(call.param("id")).toolbox_url}


def running_sandbox(world: World, call: Call) -> SandboxRecord:
    """Return the sandbox of the request, which must be running."""
    return toolbox_door.running_sandbox(world, call.param("id"), call.request.url.path)


async def execute(world: World, call: Call) -> Any:
    """``POST /toolbox/{id}/process/execute``: a script for the shell, and what it wrote."""
    sandbox = running_sandbox(world, call)
    request = call.json
    text = request.get("command") or ""
    if not text.strip():
        raise BareError(400, "")
    order = Order(None, request.get("cwd"), dict(request.get("envs") or {}), reads=True)
    try:
        execution = await launch(world, sandbox, order)
    except ApiError as error:
        return {"exitCode": -1, "result": error.message}
    try:
        script = once(text.encode())
        outcome = await asyncio.wait_for(
            finish(execution, script, reads=True), request.get("timeout") or None
        )
    except TimeoutError:
        raise timed_out("command execution timeout") from None
    if sandbox.state != "started":
        raise not_running(world, sandbox, call.request.url.path)
    return {"exitCode": outcome.code, "result": as_json_text(outcome.output)}


async def entrypoint_session(world: World, call: Call) -> Any:
    """``GET …/process/session/entrypoint``."""
    sandbox = running_sandbox(world, call)
    command = {"id": "entrypoint_command", "command": " ".join(sandbox.entrypoint)}
    return {"sessionId": "entrypoint", "commands": [command]}


async def entrypoint_logs(world: World, call: Call) -> Any:
    """``GET …/process/session/entrypoint/logs``: what it has written so far, also to follow."""
    sandbox = running_sandbox(world, call)
    log = b"".join([data async for data in entrypoint_log(world, sandbox, follow=False)])
    return marked_log(Asker(call.request.headers), log)


async def entrypoint_log(
    world: World, sandbox: SandboxRecord, *, follow: bool
) -> AsyncGenerator[bytes]:
    """Yield the entry point's log with its marks; without ``follow`` what there is of it."""
    if world.engine is not None:
        from tests.daytona_server.engine_logs import entrypoint_lines

        async with aclosing(entrypoint_lines(world.engine, sandbox, follow=follow)) as pieces:
            async for data in pieces:
                yield data
        return
    sent = 0
    while True:
        lines = list(sandbox.log)
        if data := b"".join(map(marked, lines[sent:])):
            yield data
        sent = len(lines)
        if not follow:
            return
        await asyncio.sleep(POLL_SECONDS)


def marked(line: str | bytes) -> bytes:
    """Return what stands in the log for a line of a sandbox without a container."""
    return line if isinstance(line, bytes) else STDOUT + line.encode() + b"\n"
