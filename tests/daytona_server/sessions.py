"""The toolbox's sessions: commands that go on after the answer.

Unlike in the real one, each command has a shell of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from tests.daytona_server.errors import ApiError, bad_request, conflict, not_found
from tests.daytona_server.executions import KILLED, Order, launch
from tests.daytona_server.records import SandboxRecord
from tests.daytona_server.session_commands import SessionCommand
from tests.daytona_server.toolbox import running_sandbox

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World


async def list_sessions(world: World, call: Call) -> Any:
    """``GET …/process/session``."""
    sandbox = running_sandbox(world, call)
    return [_document(name, commands) for name, commands in sandbox.sessions.items()]


async def create_session(world: World, call: Call) -> Any:
    """``POST …/process/session``."""
    sandbox = running_sandbox(world, call)
    name = call.json.get("sessionId")
    if not name:
        raise bad_request("sessionId is required")
    if name in sandbox.sessions:
        raise conflict("session already exists")
    sandbox.sessions[name] = {}
    return Response(status_code=201)


async def get_session(world: World, call: Call) -> Any:
    """``GET …/process/session/{session}``."""
    return _document(call.param("session"), _session(world, call)[1])


def _document(name: str, commands: dict[str, SessionCommand]) -> dict[str, Any]:
    return {"sessionId": name, "commands": [command.document() for command in commands.values()]}


async def delete_session(world: World, call: Call) -> Any:
    """``DELETE …/process/session/{session}``: what runs there is ended."""
    sandbox, commands = _session(world, call)
    del sandbox.sessions[call.param("session")]
    await asyncio.gather(*(_terminate(world, command) for command in commands.values()))
    return Response(status_code=204)


async def _terminate(world: World, command: SessionCommand) -> None:
    if command.execution is None or command.done.is_set():
        return
    await command.execution.signal("TERM")
    try:
        await asyncio.wait_for(command.done.wait(), world.timing.grace)
    except TimeoutError:
        await command.execution.signal("KILL")


async def run_in_session(world: World, call: Call) -> Any:
    """``POST …/process/session/{session}/exec``: 202 at once when it shall not be waited for."""
    sandbox, commands = _session(world, call)
    request = call.json
    if not request.get("command"):
        raise bad_request("command is required")
    command = SessionCommand(
        str(uuid.uuid4()), request["command"], echoes=not request.get("suppressInputEcho")
    )
    commands[command.id] = command
    waits = not (request.get("runAsync") or request.get("async"))
    # One that is waited for finds the end of its input at once.
    command.execution = await launch(world, sandbox, Order(command.command, reads=not waits))
    world.spawn(_follow(command))
    if not waits:
        return JSONResponse({"cmdId": command.id}, 202)
    await command.done.wait()
    return {"cmdId": command.id, "exitCode": command.exit_code, **command.logs()}


async def _follow(command: SessionCommand) -> None:
    """Take what it writes as it comes, and its end."""
    execution = command.execution
    assert execution is not None
    code = KILLED
    try:
        async for error, data in execution.output():
            command.wrote(error, data)
        code = await execution.exit_code()
    finally:
        command.ended(code)
        await execution.close()


async def get_command(world: World, call: Call) -> Any:
    """``GET …/process/session/{session}/command/{command}``."""
    return _command(world, call).document()


async def get_command_logs(world: World, call: Call) -> Any:
    """``GET …/command/{command}/logs``: what it has written so far."""
    return _command(world, call).logs()


async def send_input(world: World, call: Call) -> Any:
    """``POST …/command/{command}/input``: a line, which shows in the log as well."""
    command = _command(world, call)
    if command.exit_code is not None:
        raise ApiError(410, f"command has already completed with exit code {command.exit_code}")
    data = str(call.json.get("data", "")).encode()
    line = data if data.endswith(b"\n") else data + b"\n"
    assert command.execution is not None
    with contextlib.suppress(ConnectionError):
        await command.execution.write(line)
    if command.echoes:
        command.wrote(False, line)
    return Response(status_code=204)


def _session(world: World, call: Call) -> tuple[SandboxRecord, dict[str, SessionCommand]]:
    sandbox = running_sandbox(world, call)
    commands = sandbox.sessions.get(call.param("session"))
    if commands is None:
        raise not_found("session not found")
    return sandbox, commands


def _command(world: World, call: Call) -> SessionCommand:
    command = _session(world, call)[1].get(call.param("command"))
    if command is None:
        raise not_found("command not found")
    return command
