"""All connections of the server, and the end of those that only take up room.

A client may send half a request and wait, read nothing, or open more connections than anyone
needs. Each of them ends by itself, with one line in the log; what the page's user does goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from enum import IntEnum

from os2cli.ui.wire.limits import WireLimits

LOG = logging.getLogger("os2.ui")
_SWEEP_SECONDS = 1.0


class Use(IntEnum):
    """What a connection is used for; the first are the first to end when there are too many."""

    WAITING = 0
    REQUEST = 1
    WEBSOCKET = 2


class Connection:
    """One connection: its use, since when, and what it has not read."""

    def __init__(self, transport: asyncio.Transport, use: Callable[[], Use]) -> None:
        self.transport = transport
        self.since = time.monotonic()
        # The bytes of an unfinished head.
        self.held = 0
        self._use = use
        self._unread = 0
        self._read_at = self.since

    @property
    def use(self) -> Use:
        """What the connection is used for now."""
        return self._use()

    def reuse(self) -> None:
        """Start to wait for the next request."""
        self.since = time.monotonic()

    def progress(self) -> None:
        """Record that the client has read something."""
        self._read_at = time.monotonic()

    def problem(self, now: float, limits: WireLimits) -> str | None:
        """Return why the connection must end; None if it may stay."""
        if self.use is Use.WAITING and now - self.since > limits.head_seconds:
            return f"no whole request within {limits.head_seconds:g} s"
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread <= self._unread - limits.progress_bytes:
            self._unread = unread
            self.progress()
        self._unread = max(self._unread, unread)
        if now - self._read_at > limits.read_seconds:
            return f"{unread} bytes not read within {limits.read_seconds:g} s"
        return None


class Connections:
    """The connections of a server."""

    def __init__(self, limits: WireLimits) -> None:
        self.limits = limits
        self._all: dict[Connection, None] = {}

    def add(self, transport: asyncio.Transport, use: Callable[[], Use]) -> Connection:
        """Count a connection; if there are too many, the one of the others waiting longest ends."""
        connection = Connection(transport, use)
        if len(self._all) >= self.limits.connections:
            first = min(self._all, key=lambda each: (each.use, each.since))
            self.end(first, f"more than {self.limits.connections} connections")
        self._all[connection] = None
        return connection

    def discard(self, connection: Connection) -> None:
        """Forget a connection that is closed, or counts as another one from now on."""
        self._all.pop(connection, None)

    def hold(self, connection: Connection, size: int) -> None:
        """Record how much of a head a connection has sent; if it is too much, the largest ends."""
        connection.held = size
        if sum(each.held for each in self._all) > self.limits.head_bytes:
            largest = max(self._all, key=lambda each: each.held)
            self.end(largest, f"more than {self.limits.head_bytes} bytes of unfinished requests")

    def end(self, connection: Connection, reason: str) -> None:
        """End a connection at once; the client gets no message."""
        self.discard(connection)
        peer = connection.transport.get_extra_info("peername")
        LOG.warning("ended a connection from port %s: %s", peer[1] if peer else "?", reason)
        connection.transport.abort()

    async def sweep(self) -> None:
        """End what hangs, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = time.monotonic()
            for connection in list(self._all):
                if (problem := connection.problem(now, self.limits)) is not None:
                    self.end(connection, problem)
