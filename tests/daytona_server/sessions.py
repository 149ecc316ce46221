"""The toolbox's sessions: commands that go on after the answer.

Unlike in the real one, each command has a shell of its own.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from tests.daytona_server.errors import bad_request, conflict, not_found
from tests.daytona_server.records import SandboxRecord, SessionCommand
from tests.daytona_server.toolbox import run_command, running_sandbox

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World


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
    commands = _session(world, call)[1]
    documents = [command.document() for command in commands.values()]
    return {"sessionId": call.param("session"), "commands": documents}


async def delete_session(world: World, call: Call) -> Any:
    """``DELETE …/process/session/{session}``."""
    sandbox, _ = _session(world, call)
    del sandbox.sessions[call.param("session")]
    return Response(status_code=204)


async def run_in_session(world: World, call: Call) -> Any:
    """``POST …/process/session/{session}/exec``: 202 at once when it shall not be waited for."""
    sandbox, commands = _session(world, call)
    text = call.json.get("command")
    if not text:
        raise bad_request("command is required")
    command = SessionCommand(str(uuid.uuid4()), text)
    commands[command.id] = command
    if call.json.get("runAsync") or call.json.get("async"):
        world.spawn(_run(world, sandbox, command))
        return JSONResponse({"cmdId": command.id}, 202)
    await _run(world, sandbox, command)
    return {"cmdId": command.id, "exitCode": command.exit_code, **_output(command)}


async def _run(world: World, sandbox: SandboxRecord, command: SessionCommand) -> None:
    code, command.output = await run_command(world, sandbox, command.command, None, {})
    command.exit_code = code


async def get_command(world: World, call: Call) -> Any:
    """``GET …/process/session/{session}/command/{command}``."""
    return _command(world, call).document()


async def get_command_logs(world: World, call: Call) -> Any:
    """``GET …/command/{command}/logs``."""
    return _output(_command(world, call))


def _output(command: SessionCommand) -> dict[str, str]:
    return {"output": command.output, "stdout": command.output, "stderr": ""}


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
