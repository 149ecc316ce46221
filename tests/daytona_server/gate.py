"""What is around the application: recording, faults, headers, and paths that aren't the API's."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from tests.daytona_server.app import no_such_route
from tests.daytona_server.connections import TRANSPORT
from tests.daytona_server.errors import ApiError, error_response
from tests.daytona_server.faults import Fault, given_answer
from tests.daytona_server.records import RecordedRequest

if TYPE_CHECKING:
    from tests.daytona_server.state import World

# Express's default for JSON bodies.
MAX_BODY_BYTES = 100 * 1024
DASHBOARD = "<!doctype html><title>Daytona</title><div id=root></div>"


_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")


class Gate:
    """The outermost application."""

    def __init__(self, world: World, app: ASGIApp) -> None:
        self.world = world
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; the path is matched while still percent-encoded, as Express does."""
        path = scope["raw_path"].decode()
        scope["path"] = path
        is_http = scope["type"] == "http"
        body = await _read(receive) if is_http else b""
        below = path.removeprefix("/api") if _is_api(path) else path
        record = RecordedRequest.from_scope(scope, below, body)
        self.world.requests.append(record)
        if self.world.on_request is not None:
            self.world.on_request(record)
        fault = self.world.faults.take(record.method, below)
        answer = _Answer(self.world, record, send, scope)
        if not is_http:
            await self._open(fault, scope, receive, answer)
            return
        request = Request(scope, _replay(body, receive))
        if fault is None:
            await self._handle(request, answer)
        else:
            await self._fail(fault, request, answer, receive)

    async def _open(
        self, fault: Fault | None, scope: Scope, receive: Receive, answer: _Answer
    ) -> None:
        """Open a WebSocket, unless it meets a fault first."""
        if fault is not None and (fault.hang is not None or fault.drop):
            await self.world.pause(fault.hang or 0)
            scope[TRANSPORT].abort()
            return
        if fault is not None:
            await self.world.pause(fault.delay)
            answer.cut = fault.cut
        if fault is not None and fault.status is not None:
            socket = WebSocket(scope, receive, answer.send)
            await socket.send_denial_response(given_answer(fault))
        else:
            await self.app(scope, receive, answer.send)

    async def _handle(self, request: Request, answer: _Answer) -> None:
        app = self._without_app(request, len(answer.record.body))
        await app(request.scope, request.receive, answer.send)

    def _without_app(self, request: Request, size: int) -> ASGIApp:
        path = request.scope["path"]
        if not _is_api(path) and not path.startswith(("/logs/", "/toolbox/")):
            return HTMLResponse(DASHBOARD)
        if self.world.maintenance and path not in ("/api/config", "/api/health"):
            error = ApiError(503, "Service is in maintenance mode")
            return error_response(error, path, self.world.now())
        if _is_api(path) and size > MAX_BODY_BYTES:
            return no_such_route(self.world, request)
        return self.app

    async def _fail(
        self, fault: Fault, request: Request, answer: _Answer, receive: Receive
    ) -> None:
        if fault.hang is not None:
            await self.world.pause(fault.hang)
        if fault.hang is not None or fault.drop:
            await _hang_up(request.scope, receive)
            return
        if fault.delay:
            await self.world.pause(fault.delay)
        if fault.status is not None:
            await given_answer(fault)(request.scope, request.receive, answer.send)
        elif fault.cut is not None:
            answer.cut = fault.cut
            await self._handle(request, answer)
        elif fault.lose_answer or fault.truncate:
            answer.hold()
            await self._handle(request, answer)
            if fault.truncate:
                await answer.send_half()
            await _hang_up(request.scope, receive)
        else:
            await self._handle(request, answer)


class _Answer:
    """The way back: adds what every answer carries, and may hold it all instead."""

    def __init__(self, world: World, record: RecordedRequest, send: Send, scope: Scope) -> None:
        self.world = world
        self.record = record
        self.cut: int | None = None
        """After how much of the body the connection is closed."""
        self._is_over = False
        self._scope = scope
        self._send = send
        self._held: list[Message] | None = None

    def hold(self) -> None:
        """Keep the answer instead of sending it."""
        self._held = []

    async def send(self, message: Message) -> None:
        """Send, or hold, one message of the answer."""
        if message["type"] in _STARTS:
            message["headers"] = [*message.get("headers", []), *self._common_headers()]
            self.record.status = message.get("status", 101)
        if self._held is not None:
            self._held.append(message)
            return
        name = "bytes" if message["type"] == "websocket.send" else "body"
        data = message.get(name) or b""
        if self._is_over:
            return
        if self.cut is not None and len(data) >= self.cut > 0:
            await self._count_and_send({**message, name: data[: self.cut], "more_body": True})
        if self.cut is not None and len(data) >= self.cut and message["type"] not in _STARTS:
            # What is in the connection's buffer still goes out.
            self._scope[TRANSPORT].close()
            self._is_over = True
            return
        if self.cut is not None:
            self.cut -= len(data)
        await self._count_and_send(message)

    async def _count_and_send(self, message: Message) -> None:
        if message["type"] == "websocket.send":
            size = len(message["bytes"])
            self.record.sent += size + _frame_head(size)
        else:
            self.record.sent += len(message.get("body", b""))
        await self._send(message)

    def _common_headers(self) -> list[tuple[bytes, bytes]]:
        date = format_datetime(self.world.now(), usegmt=True)
        return [
            (b"date", date.encode()),
            (b"x-daytona-api-version", f"v{self.world.version}".encode()),
        ]

    async def send_half(self) -> None:
        """Send what was held, up to the middle of its body."""
        assert self._held is not None
        await self._send(self._held[0])
        body = b"".join(message.get("body", b"") for message in self._held[1:])
        half = body[: len(body) // 2]
        self.record.sent += len(half)
        await self._send({"type": "http.response.body", "body": half, "more_body": True})


def _frame_head(size: int) -> int:
    """Return how many bytes a frame of a WebSocket has before its data."""
    return 2 if size < 126 else 4 if size < 1 << 16 else 10


def _is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Replay the body, then pass on what follows."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection, and wait until the server has noticed."""
    transport: asyncio.Transport = scope[TRANSPORT]
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
