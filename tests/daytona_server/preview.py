"""Previews: an address of its own for each port of each sandbox, with a door keeper."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.types import Receive, Scope, Send

from tests.daytona_server.activity import SKIP_HEADER as LOOKING_HEADER
from tests.daytona_server.activity import note_use
from tests.daytona_server.connections import HOST, Listeners
from tests.daytona_server.errors import ApiError, error_response
from tests.daytona_server.faults import given_answer
from tests.daytona_server.records import RecordedRequest, SandboxRecord

if TYPE_CHECKING:
    from tests.daytona_server.state import World

TOKEN_HEADER = "x-daytona-preview-token"
TOKEN_QUERY = "DAYTONA_SANDBOX_AUTH_KEY"
SKIP_HEADER = "x-daytona-skip-preview-warning"
_OWN_HEADERS = {TOKEN_HEADER, SKIP_HEADER, LOOKING_HEADER}
# They are about one connection, and there are two.
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",  # codespell:ignore te
    "trailer",
    "transfer-encoding",
    "upgrade",
}
WARNING = "<!doctype html><title>Preview warning</title><p>You are about to open a preview."


class Previews:
    """The addresses that were asked for; the same question gives the same address."""

    def __init__(self, world: World, listeners: Listeners) -> None:
        self.world = world
        self.client = httpx.AsyncClient(
            trust_env=False,
            # Plain HTTP it is: loading the host's certificates would take longer than the rest.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            timeout=httpx.Timeout(None, connect=5),
        )
        self._listeners = listeners
        self._ports: dict[tuple[str, int, str | None], int] = {}

    async def open(self, sandbox: SandboxRecord, port: int, token: str | None = None) -> str:
        """Return the address of a port; with a signed ``token`` one that needs no login."""
        key = (sandbox.id, port, token)
        if key not in self._ports:
            app = _Preview(self, sandbox, port, token)
            self._ports[key] = await self._listeners.listen(app)
        return self.world.public(f"http://{HOST}:{self._ports[key]}")


class _Preview:
    """One address."""

    def __init__(
        self, previews: Previews, sandbox: SandboxRecord, port: int, token: str | None
    ) -> None:
        self.previews = previews
        self.world = previews.world
        self.sandbox = sandbox
        self.port = port
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request to it."""
        request = Request(scope, receive)
        body = await request.body()
        record = RecordedRequest.from_scope(scope, scope["path"], body)
        self.world.preview_requests.append(record)
        fault = self.world.faults.take(record.method, f"/preview{record.path}")
        if fault is not None:
            await self.world.pause(fault.delay)
        try:
            if fault is not None and fault.status is not None:
                response: Response = given_answer(fault)
            else:
                response = self._door(request) or await self._pass_on(request, body)
        except ApiError as error:
            response = error_response(error, scope["path"], self.world.now())
        record.status = response.status_code
        await response(scope, receive, send)

    def _door(self, request: Request) -> Response | None:
        """Return the response that replaces the sandbox's, if any."""
        browser = "mozilla" in request.headers.get("user-agent", "").lower()
        if browser and request.headers.get(SKIP_HEADER) != "true":
            return HTMLResponse(WARNING)
        if self.sandbox.id not in self.world.sandboxes_by_id:
            raise ApiError(404, "Sandbox not found")
        if self.token is not None:
            if self.sandbox.signed_tokens.get((self.port, self.token), 0) <= time.monotonic():
                raise ApiError(404, "Invalid or expired signed preview URL token")
        elif not self.sandbox.public and not self._knows_token(request):
            return RedirectResponse(f"{self.world.origin}/login", 307)
        return None

    def _knows_token(self, request: Request) -> bool:
        given = (request.headers.get(TOKEN_HEADER), request.query_params.get(TOKEN_QUERY))
        return self._bearer(request) in self.world.keys.known or self.sandbox.token in given

    async def _pass_on(self, request: Request, body: bytes) -> Response:
        note_use(self.world, self.sandbox, request.headers)
        if self.sandbox.state != "started":
            raise ApiError(502, f"Sandbox is not running (state: {self.sandbox.state})")
        if self.world.engine is None:
            return self._stub(request)
        port = self.sandbox.ports.get(self.port)
        if port is None:
            raise ApiError(502, f"Nothing answers on port {self.port}")
        return await self._forward(request, body, port)

    def _own_headers(self, request: Request) -> set[str]:
        """Return the headers for the preview, which the sandbox must not get."""
        known = self._bearer(request) in self.world.keys.known
        return _OWN_HEADERS | {"content-length"} | ({"authorization"} if known else set())

    def _bearer(self, request: Request) -> str:
        return request.headers.get("authorization", "").removeprefix("Bearer ")

    def _stub(self, request: Request) -> Response:
        if self.port not in self.world.published_ports:
            raise ApiError(502, f"Nothing answers on port {self.port}")
        if request.url.path == "/api/health":
            status = self.world.stub_status
            return JSONResponse({"status": "ok" if status == 200 else "unhealthy"}, status)
        return HTMLResponse(f"<!doctype html><title>{self.sandbox.deleted_name or 'stub'}</title>")

    async def _forward(self, request: Request, body: bytes, port: int) -> Response:
        query = request.scope["query_string"].decode()
        kept = [part for part in query.split("&") if part.partition("=")[0] != TOKEN_QUERY]
        target = f"http://{HOST}:{port}{request.scope['raw_path'].decode()}"
        upstream = self.previews.client.build_request(
            request.method,
            target + ("?" + "&".join(kept) if any(kept) else ""),
            headers=_passed(request.headers.raw, self._own_headers(request)),
            content=body,
        )
        try:
            answer = await self.previews.client.send(upstream, stream=True)
        except httpx.TransportError:
            raise ApiError(502, f"Nothing answers on port {self.port}") from None
        response = StreamingResponse(
            answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose)
        )
        response.raw_headers = _passed(answer.headers.raw, set())
        return response


def _passed(headers: list[tuple[bytes, bytes]], left_out: set[str]) -> list[tuple[bytes, bytes]]:
    dropped = _HOP_BY_HOP | left_out
    return [(name, value) for name, value in headers if name.decode().lower() not in dropped]
