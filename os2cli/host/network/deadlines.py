"""Connections of httpx that keep to this context's deadline.

httpx's timeouts are for each read: a server that sends a byte a second would never end.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from os2cli.core.deadline import at_most, seconds_left


def keep_deadline(transport: httpx.HTTPTransport) -> httpx.HTTPTransport:
    """Let all connections of a new transport keep to the deadline; return the transport."""
    # httpx has no argument for httpcore's.
    pool = transport._pool
    pool._network_backend = _Backend(pool._network_backend)
    return transport


class _Stream(httpcore.NetworkStream):
    """A connection whose reads and writes end at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Receive bytes; ``ReadTimeout`` at the deadline."""
        if seconds_left() == 0:
            raise httpcore.ReadTimeout("timed out")
        return self._stream.read(max_bytes, at_most(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes; ``WriteTimeout`` at the deadline."""
        if seconds_left() == 0:
            raise httpcore.WriteTimeout("timed out")
        self._stream.write(buffer, at_most(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Return the connection, encrypted."""
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, at_most(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore asks about the connection."""
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect by the deadline."""
        return _Stream(
            self._backend.connect_tcp(host, port, at_most(timeout), local_address, socket_options)
        )

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect by the deadline."""
        return _Stream(self._backend.connect_unix_socket(path, at_most(timeout), socket_options))

    def sleep(self, seconds: float) -> None:
        """Pause."""
        self._backend.sleep(seconds)
