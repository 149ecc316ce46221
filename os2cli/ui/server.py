"""The server: on loopback, in a thread, until a signal comes."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from os2cli.core.errors import Conflict, OperationFailed
from os2cli.ui.guard.guard import HOST

# Who has asked for an end shall not wait longer for what is undone.
CLEAN_UP_SECONDS = 20.0
STOP_SECONDS = 3.0
_POLL_SECONDS = 0.2


def listening_socket(port: int | None) -> socket.socket:
    """A port of our own on loopback: a free one, unless one is wanted.

    Raises:
        Conflict: somebody has it.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Else a port that was left a moment ago could not be had again.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port or 0))
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            why = "is taken" if error.errno == errno.EADDRINUSE else "may not be used"
            raise Conflict(
                f"port {port} {why}",
                hint="leave --port out to get a free one, or choose another",
                code="port_taken",
            ) from error
        raise
    return listener


class Server:
    """Uvicorn without its own signals, log and words about itself."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self.listener = listener
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=False,
                ws="websockets-sansio",
                lifespan="on",
                timeout_graceful_shutdown=int(STOP_SECONDS),
            )
        )
        self._thread = threading.Thread(target=self._run, name="os2-ui", daemon=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve while inside."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OperationFailed(
                    "the server did not start", hint="run it again with --debug, and report it"
                )
            time.sleep(0.01)
        try:
            yield
        finally:
            self._server.should_exit = True
            self._thread.join(STOP_SECONDS)

    def wait(self) -> None:
        """Until a signal ends it."""
        while self._thread.is_alive():
            self._thread.join(_POLL_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._server.serve([self.listener]))


def waited_for(ended: list[Callable[[float], bool]], seconds: float) -> bool:
    """Whether all of them come to their end within so many seconds."""
    deadline = time.monotonic() + seconds
    return all(end(max(0.0, deadline - time.monotonic())) for end in ended)
