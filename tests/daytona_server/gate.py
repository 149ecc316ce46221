"""What is around the application: recording, faults, headers, and paths that aren't the API's."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


class Gate:
    """The outermost application."""

    def __init__(self, world: World, app: ASGIApp) -> None:
        self.world = world
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; the path is matched while still percent-encoded, as Express does."""
        assert scope["type"] == "http"
        path = scope["raw_path"].decode()
        scope["path"] = path
        body = await _read(receive)
        below = path.removeprefix("/api") if _is_api(path) else path
        record = RecordedRequest.from_scope(scope, below, body)
        self.world.requests.append(record)
        if self.world.on_request is not None:
            self.world.on_request(record)
        fault = self.world.faults.take(record.method, below)
        answer = _Answer(self.world, record, send)
        request = Request(scope, _replay(body, receive))
        if fault is None:
            await self._handle(request, answer)
        else:
            await self._fail(fault, request, answer, receive)

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

    def __init__(self, world: World, record: RecordedRequest, send: Send) -> None:
        self.world = world
        self.record = record
        self._send = send
        self._held: list[Message] | None = None

    def hold(self) -> None:
        """Keep the answer instead of sending it."""
        self._held = []

    async def send(self, message: Message) -> None:
        """Send, or hold, one message of the answer."""
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *self._common_headers()]
            self.record.status = message["status"]
        if self._held is None:
            await self._send(message)
        else:
            self._held.append(message)

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
        await self._send({"type": "http.response.body", "body": half, "more_body": True})


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
