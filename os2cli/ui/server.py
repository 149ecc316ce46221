"""The server: on loopback, in a thread, until a signal arrives."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from os2cli.core.errors import Conflict, OperationFailed
from os2cli.ui.guard.credentials import HOST, Credentials
from os2cli.ui.terminal.bridge import MAX_MESSAGE_BYTES
from os2cli.ui.wire.connections import Connections
from os2cli.ui.wire.limits import MAX_OWN_HEAD_BYTES, WireLimits, wire_limits
from os2cli.ui.wire.protocols import Requests, WebSockets

# After Ctrl-C, how long jobs may take to roll back.
CLEAN_UP_SECONDS = 20.0
STOP_SECONDS = 3.0
SEND_BUFFER_BYTES = 128 * 1024
_POLL_SECONDS = 0.2


def listening_socket(port: int | None) -> socket.socket:
    """Bind a port on loopback; None: any free port.

    Raises:
        Conflict: The port is taken or not allowed.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Without it, a port that was just released could not be bound.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # For each connection: the system would buffer megabytes that a client does not read, and report
    # progress only once it has read a third of them.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    try:
        listener.bind((HOST, port or 0))
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            problem = "is taken" if error.errno == errno.EADDRINUSE else "is not permitted"
            raise Conflict(
                f"port {port} {problem}",
                hint="choose another port, or leave --port out to get a free one",
                code="port_taken",
            ) from error
        raise
    return listener


class Server:
    """Uvicorn without its signal handlers, logs and server header, with limits of our own."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        credentials: Credentials,
        limits: WireLimits | None = None,
    ) -> None:
        self.listener = listener
        self._connections = Connections(limits or wire_limits())
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=False,
                backlog=self._connections.limits.backlog,
                http=partial(Requests, self._connections, credentials),  # type: ignore[arg-type]
                ws=partial(WebSockets, self._connections),  # type: ignore[arg-type]
                ws_max_size=2 * MAX_MESSAGE_BYTES,
                h11_max_incomplete_event_size=MAX_OWN_HEAD_BYTES,
                lifespan="on",
                timeout_graceful_shutdown=int(STOP_SECONDS),
            )
        )
        self._thread = threading.Thread(target=self._run, name="os2-ui", daemon=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve while in the block."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OperationFailed(
                    "the server did not start",
                    hint="run the command again with --debug, and report the output",
                )
            time.sleep(0.01)
        try:
            yield
        finally:
            self._server.should_exit = True
            self._thread.join(STOP_SECONDS)

    def wait(self) -> None:
        """Wait until a signal ends the server."""
        while self._thread.is_alive():
            self._thread.join(_POLL_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        sweeping = asyncio.create_task(self._connections.sweep())
        try:
            await self._server.serve([self.listener])
        finally:
            sweeping.cancel()


def wait_for_all(waits: list[Callable[[float], bool]], seconds: float) -> bool:
    """Return whether all waits succeed within ``seconds`` in total."""
    deadline = time.monotonic() + seconds
    return all(wait(max(0.0, deadline - time.monotonic())) for wait in waits)
