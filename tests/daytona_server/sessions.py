"""The toolbox's sessions: one shell each, whose commands go on after the answer."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from tests.daytona_server.command_logs import Asker, command_log, outcome
from tests.daytona_server.guest import guest
from tests.daytona_server.session_commands import Session, SessionCommand
from tests.daytona_server.session_shell import LOG, SCRIPT, STDOUT, for_shell
from tests.daytona_server.toolbox import running_sandbox
from tests.daytona_server.toolbox_errors import (
    BareError,
    ToolboxError,
    UnexpectedError,
    bad_request,
    conflict,
    gone,
    internal,
    invalid_body,
    not_found,
)

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

POLL_SECONDS = 0.02


async def list_sessions(world: World, call: Call) -> Any:
    """``GET …/process/session``."""
    sandbox = running_sandbox(world, call)
    return [await session.document() for session in list(sandbox.sessions.values())]


async def create_session(world: World, call: Call) -> Any:
    """``POST …/process/session``."""
    sandbox = running_sandbox(world, call)
    name = call.json.get("sessionId")
    if not name:
        raise invalid_body("sessionId is required")
    if name in sandbox.sessions:
        raise conflict("session already exists")
    inside = guest(world, sandbox)
    folder = f"{inside.folder}/sessions/{uuid.uuid4().hex}"
    sandbox.sessions[name] = Session(name, sandbox, inside, await inside.open_shell(), folder)
    return Response(status_code=201)


async def get_session(world: World, call: Call) -> Any:
    """``GET …/process/session/{session}``."""
    return await session_of(world, call).document()


async def delete_session(world: World, call: Call) -> Any:
    """``DELETE …/process/session/{session}``: what runs in the shell's group is ended.

    A shell that has run a command outlives SIGTERM, so that this takes the time of grace.
    """
    sandbox = running_sandbox(world, call)
    session = session_of(world, call)
    await session.shell.terminate(world.timing.grace)
    session.over.set()
    await session.guest.remove(session.folder)
    if sandbox.sessions.get(session.name) is session:
        del sandbox.sessions[session.name]
    return Response(status_code=204)


async def run_in_session(world: World, call: Call) -> Any:
    """``POST …/process/session/{session}/exec``: 202 at once when it shall not be waited for."""
    if not (call.json.get("command") or "").strip():
        raise BareError(400, "")
    running_sandbox(world, call)
    try:
        return await _run_in_session(world, call)
    except ToolboxError as error:
        # It is wrapped there, and its status lost.
        if isinstance(error, BareError):
            raise
        raise UnexpectedError(f"failed to execute command: {error.message}") from None


async def _run_in_session(world: World, call: Call) -> Any:
    request = call.json
    session = session_of(world, call)
    command = session.new_command(request["command"], echoes=not request.get("suppressInputEcho"))
    waits = not (request.get("runAsync") or request.get("async"))
    await session.guest.put(command.folder, {SCRIPT: command.command.encode(), LOG: b""})
    try:
        # One that is waited for finds the end of its input at once.
        early = world.early_exit_codes
        text = for_shell(command.folder, reads=not waits, early_code=early)
        await session.shell.write(text)
    except BrokenPipeError:
        raise bad_request("failed to write command: write |1: broken pipe") from None
    if not waits:
        nothing = dict.fromkeys(("output", "stdout", "stderr", "exitCode"))
        return JSONResponse({"cmdId": command.id, **nothing}, 202)
    await _end(world, session, command)
    log = await session.guest.read(command.log) or b""
    return {
        "cmdId": command.id,
        **outcome(Asker(call.request.headers), log),
        "exitCode": command.exit_code,
    }


async def _end(world: World, session: Session, command: SessionCommand) -> None:
    """Wait for the exit code, which a shell that the command has ended never writes."""
    while (await session.look(command)).exit_code is None:
        if session.sandbox.state != "started" or world.closing.is_set():
            # The daemon is gone, and the proxy has nothing to answer.
            raise BareError(502, "")
        if session.over.is_set():
            command.exit_code = 1
            raise bad_request("session cancelled")
        await asyncio.sleep(POLL_SECONDS)


async def get_command(world: World, call: Call) -> Any:
    """``GET …/process/session/{session}/command/{command}``."""
    session = session_of(world, call)
    return (await session.look(command_of(session, call))).document()


async def get_command_logs(world: World, call: Call) -> Any:
    """``GET …/command/{command}/logs``: what it has written so far, also with ``follow``."""
    session = session_of(world, call)
    log = await session.guest.read(command_of(session, call).log)
    if log is None:
        raise not_found("the log is gone")
    return command_log(Asker(call.request.headers), log)


async def send_input(world: World, call: Call) -> Any:
    """``POST …/command/{command}/input``: a line, which shows in the log as well."""
    session = session_of(world, call)
    command = command_of(session, call)
    if (code := command.exit_code) is not None:
        raise gone(f"command has already completed with exit code {code}")
    data = str(call.json.get("data", "")).encode()
    line = data if data.endswith(b"\n") else data + b"\n"
    if not await session.guest.feed(command.input, line):
        reason = f"open {command.input}: no such file or directory"
        raise internal(f"failed to open input pipe: {reason}")
    if command.echoes:
        await session.guest.append(command.log, STDOUT + line)
    return Response(status_code=204)


def session_of(world: World, call: Call) -> Session:
    """Return the session of the request, in a sandbox that is started."""
    session = running_sandbox(world, call).sessions.get(call.param("session"))
    if session is None:
        raise not_found("session not found")
    return session


def command_of(session: Session, call: Call) -> SessionCommand:
    """Return the command of the request."""
    command = session.commands.get(call.param("command"))
    if command is None:
        raise not_found("command not found")
    return command
