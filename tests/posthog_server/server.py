"""The server, which runs in a thread while in its block."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from tests.posthog_server.messages import Received, messages_of
from tests.serving import HOST, asgi_server

CAPTURE_PATHS = ("/batch/", "/capture/", "/e/", "/i/v0/e/", "/engage/", "/s/")
# The project's configuration for the script: recording is on, everything else is off.
REMOTE_CONFIG = {
    "supportedCompression": ["gzip-js"],
    "sessionRecording": {"endpoint": "/s/", "consoleLogRecordingEnabled": False},
    "autocapture_opt_out": True,
    "heatmaps": False,
    "surveys": False,
    "capturePerformance": False,
    "hasFeatureFlags": False,
}


class PostHogServer:
    """Accepts events as PostHog does; ``scripts`` is the directory ``dist`` of posthog-js.

    ``behaviour`` is how it answers: ``well``, ``hang`` (never), ``refuse`` (401), ``fail`` (503),
    ``flood`` (an answer without an end) or ``redirect`` (to itself). A batch with an event in
    ``unwanted`` is answered 400.
    """

    def __init__(self, scripts: Path | None = None, behaviour: str = "well") -> None:
        self.scripts = scripts
        self.behaviour = behaviour
        self.requests: list[Received] = []
        self.events: list[dict[str, Any]] = []
        self.unwanted: set[str] = set()
        self.recordings: list[dict[str, Any]] = []
        self._closing = threading.Event()
        self._port = 0
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """The URL, as ``POSTHOG_HOST`` takes it."""
        return f"http://{HOST}:{self._port}"

    @property
    def everything(self) -> str:
        """Everything that was received, as text."""
        return "\n".join(request.text for request in list(self.requests))

    def named(self, event: str) -> list[dict[str, Any]]:
        """Return the events with this name."""
        return [each for each in list(self.events) if each["event"] == event]

    def __enter__(self) -> PostHogServer:
        """Listen on a free port of 127.0.0.1."""
        self._port = self._running.enter_context(asgi_server(self._app(), force_exit=True))
        self._running.callback(self._closing.set)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()

    # --- the routes -------------------------------------------------------------------------

    def _app(self) -> Starlette:
        captures = [
            Route(path, self._capture, methods=["GET", "POST"])
            for path in (*CAPTURE_PATHS, *(path.rstrip("/") for path in CAPTURE_PATHS))
        ]
        return Starlette(
            routes=[
                *captures,
                Route("/flags/", self._flags, methods=["POST"]),
                Route("/decide/", self._flags, methods=["POST"]),
                Route("/array/{key}/config", self._remote_config),
                Route("/array/{key}/config.js", self._remote_config_script),
                Route("/static/{name:path}", self._script),
            ]
        )

    async def _receive(self, request: Request) -> Received:
        received = Received(
            request.method,
            request.url.path,
            request.url.query,
            {name.lower(): value for name, value in request.headers.items()},
            await request.body(),
        )
        self.requests.append(received)
        return received

    async def _misbehave(self) -> Response | None:
        match self.behaviour:
            case "hang":
                while not self._closing.is_set():
                    await anyio.sleep(0.05)
                return Response(status_code=504)
            case "refuse":
                return JSONResponse({"type": "authentication_error"}, status_code=401)
            case "fail":
                return Response(status_code=503)
            case "redirect":
                return RedirectResponse("/elsewhere/", status_code=307)
            case "flood":
                return StreamingResponse(self._endless(), media_type="application/json")
        return None

    async def _endless(self) -> AsyncIterator[bytes]:
        while not self._closing.is_set():
            yield b" " * 65536
            # Who went away is noticed only when others have their turn.
            await anyio.sleep(0)

    async def _capture(self, request: Request) -> Response:
        received = await self._receive(request)
        if (answer := await self._misbehave()) is not None:
            return answer
        try:
            messages = messages_of(received)
        except ValueError as error:
            return JSONResponse({"detail": str(error)}, status_code=400)
        if self.unwanted & {message["event"] for message in messages}:
            return JSONResponse({"detail": "unwanted"}, status_code=400)
        recording = received.path.startswith("/s")
        (self.recordings if recording else self.events).extend(messages)
        return JSONResponse({"status": "Ok"})

    async def _flags(self, request: Request) -> Response:
        await self._receive(request)
        return await self._misbehave() or JSONResponse(
            {"flags": {}, "errorsWhileComputingFlags": False, **REMOTE_CONFIG}
        )

    async def _remote_config(self, request: Request) -> Response:
        await self._receive(request)
        return await self._misbehave() or JSONResponse(REMOTE_CONFIG)

    async def _remote_config_script(self, request: Request) -> Response:
        await self._receive(request)
        if (answer := await self._misbehave()) is not None:
            return answer
        known = json.dumps({request.path_params["key"]: {"config": REMOTE_CONFIG, "siteApps": []}})
        script = f"window._POSTHOG_REMOTE_CONFIG = {known};"
        return Response(script, media_type="application/javascript")

    async def _script(self, request: Request) -> Response:
        await self._receive(request)
        if (answer := await self._misbehave()) is not None:
            return answer
        if self.scripts is None:
            return Response(status_code=404)
        # Each is also below its version, which is where PostHog's script looks first.
        name = re.sub(r"^\d+\.\d+\.\d+/", "", request.path_params["name"])
        path = (self.scripts / name).resolve()
        if not path.is_relative_to(self.scripts.resolve()) or not path.is_file():
            return Response(status_code=404)
        return FileResponse(path)
