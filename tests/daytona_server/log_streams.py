"""Logs that are followed: over a WebSocket, or as what the runner makes of one for plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable
from typing import TYPE_CHECKING, Any, Protocol, cast

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.daytona_server.call import Call
from tests.daytona_server.command_logs import Asker
from tests.daytona_server.connections import TRANSPORT
from tests.daytona_server.session_shell import STDERR, STDOUT
from tests.daytona_server.sessions import command_of, get_command_logs, session_of
from tests.daytona_server.toolbox import entrypoint_log, running_sandbox
from tests.daytona_server.toolbox_errors import ToolboxError, bad_request, not_found

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.session_commands import Session, SessionCommand
    from tests.daytona_server.state import World

# As much as the daemon reads at a time.
FRAME_BYTES = 1024
POLL_SECONDS = 0.02
NORMAL = 1000
_PROTOCOL = "X-Daytona-SDK-Version~"


class Stripper:
    """Takes marks out of a log that comes in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def strip(self, data: bytes) -> bytes:
        """Return the text without marks; what may be the start of one waits for the next piece."""
        text = (self._rest + data).replace(STDOUT, b"").replace(STDERR, b"")
        kept = len(text) - len(text.rstrip(text[-1:])) if text[-1:] in (b"\x01", b"\x02") else 0
        text, self._rest = text[: len(text) - kept], text[len(text) - kept :]
        return text

    def end(self) -> bytes:
        """Return what still waits."""
        return self._rest


async def without_marks(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield both streams as one."""
    stripper = Stripper()
    async with contextlib.aclosing(pieces):
        async for data in pieces:
            if text := stripper.strip(data):
                yield text
    if rest := stripper.end():
        yield rest


class LogStream:
    """A log on its way to a client; it ends with its program, its session or its sandbox."""

    def __init__(
        self,
        world: World,
        sandbox: SandboxRecord,
        pieces: AsyncGenerator[bytes],
        over: asyncio.Event | None = None,
    ) -> None:
        self._world = world
        self._sandbox = sandbox
        self._pieces = pieces
        self._over = over or asyncio.Event()

    @property
    def _is_cut(self) -> bool:
        return self._sandbox.state != "started" or self._world.closing.is_set()

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield what comes, up to the end."""
        end = asyncio.ensure_future(self._end())
        piece = asyncio.ensure_future(_next(self._pieces))
        try:
            while True:
                await asyncio.wait([piece, end], return_when=asyncio.FIRST_COMPLETED)
                if not piece.done() or (data := piece.result()) is None:
                    return
                yield data
                piece = asyncio.ensure_future(_next(self._pieces))
        finally:
            await _ended(piece, end)
            await self._pieces.aclose()

    async def _end(self) -> None:
        while not self._is_cut and not self._over.is_set():
            await asyncio.sleep(POLL_SECONDS)

    async def run(self, socket: WebSocket) -> None:
        """Send it, and close normally; a sandbox that stops cuts the connection."""
        await socket.accept(_protocol(socket))
        sending = asyncio.ensure_future(self._send(socket))
        leaving = asyncio.ensure_future(_gone(socket))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
            client_is_gone = leaving.done()
        finally:
            await _ended(sending, leaving)
        if self._is_cut:
            socket.scope[TRANSPORT].abort()
        elif not client_is_gone:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await socket.close(NORMAL)

    async def _send(self, socket: WebSocket) -> None:
        async with contextlib.aclosing(self.pieces()) as pieces:
            async for data in pieces:
                for start in range(0, len(data), FRAME_BYTES):
                    await socket.send_bytes(data[start : start + FRAME_BYTES])


async def _ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait for their ends: what they read is closed with them."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _next(pieces: AsyncGenerator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def _gone(socket: WebSocket) -> None:
    """Wait until the client leaves; what it says is not listened to."""
    with contextlib.suppress(RuntimeError):
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass


def _protocol(socket: WebSocket) -> str | None:
    """Return the one of its protocols that says the version of its SDK."""
    for name in socket.scope["subprotocols"]:
        if name.startswith(_PROTOCOL):
            return str(name)
    return None


class Opener(Protocol):
    """Finds what a request for a stream names."""

    def __call__(self, world: World, socket: WebSocket) -> Awaitable[LogStream]:
        """Return it, or raise a ``ToolboxError``."""


async def entrypoint_stream(world: World, socket: WebSocket) -> LogStream:
    """``…/process/session/entrypoint/logs``: marked, for every client."""
    call = Call(cast("Request", socket), b"")
    sandbox = running_sandbox(world, call)
    return LogStream(world, sandbox, entrypoint_log(world, sandbox, follow=call.flag("follow")))


async def command_stream(world: World, socket: WebSocket) -> LogStream:
    """``…/command/{command}/logs``: marked, unless the client takes both streams as one."""
    call = Call(cast("Request", socket), b"")
    return await _command_stream(world, call, strips=Asker(socket.headers).combined)


async def command_logs(world: World, call: Call) -> Any:
    """``GET …/command/{command}/logs``: what it has written so far.

    With ``follow`` the runner asks the daemon for a WebSocket, and passes on what comes of it.
    """
    if not call.flag("follow"):
        return await get_command_logs(world, call)
    running_sandbox(world, call)
    try:
        stream = await _command_stream(world, call, strips=True)
    except ToolboxError:
        raise bad_request("failed to create outgoing request: websocket: bad handshake") from None
    return StreamingResponse(stream.pieces(), media_type="application/octet-stream")


async def _command_stream(world: World, call: Call, *, strips: bool) -> LogStream:
    session = session_of(world, call)
    command = command_of(session, call)
    if await session.guest.read(command.log) is None:
        raise not_found(f"open {command.log}: no such file or directory")
    pieces = _command_log(world, session, command, follow=call.flag("follow"))
    return LogStream(
        world, session.sandbox, without_marks(pieces) if strips else pieces, session.over
    )


async def _command_log(
    world: World, session: Session, command: SessionCommand, *, follow: bool
) -> AsyncGenerator[bytes]:
    if not follow:
        yield await session.guest.read(command.log) or b""
        return
    async with contextlib.aclosing(session.guest.follow(command.log, command.code)) as pieces:
        async for data in pieces:
            yield data
    await world.pause(world.timing.log_end)
