"""Connections to an engine that keep to this context's deadline, over every kind of socket.

The timeouts of requests are for each read: an engine that sends a byte a second would never end.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from docker.transport import UnixHTTPAdapter
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from os2cli.core.deadline import at_most, seconds_left, within
from os2cli.providers.local_docker.engine.address import Endpoint

# For a request without a timeout: the engine answers a build once it has read its context.
HEAD_SECONDS = 300.0

_Done = TypeVar("_Done")


class DeadlineSocket(socket.socket):
    """A socket whose waits end at the deadline of the context that waits; there may be none."""

    _is_shared = False

    def share(self) -> None:
        """Let a thread receive while another sends, each with its own deadline.

        Timeouts are the socket's, and change its mode: one that begins in one thread would end a
        wait of the other, or make it fail.
        """
        self.settimeout(0)
        self._is_shared = True

    def _wait_for(self, event: int) -> None:
        poll = select.poll()
        poll.register(self, event)
        left = seconds_left()
        poll.poll(None if left is None else left * 1000)

    def _when_ready(self, event: int, do: Callable[..., _Done], *arguments: Any) -> _Done:
        # Also where each call is ready at once.
        while seconds_left() != 0:
            try:
                return do(*arguments)
            except BlockingIOError:
                self._wait_for(event)
            # TLS may have to answer before it can go on.
            except ssl.SSLWantReadError:
                self._wait_for(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait_for(select.POLLOUT)
        raise TimeoutError("timed out")

    @contextmanager
    def _by_deadline(self) -> Iterator[None]:
        if (left := seconds_left()) is None:
            yield
            return
        if left == 0:
            raise TimeoutError("timed out")
        own = self.gettimeout()
        self.settimeout(left if own is None else min(own, left))
        try:
            yield
        finally:
            self.settimeout(own)

    def recv(self, *arguments: Any) -> bytes:
        """Receive bytes; ``TimeoutError`` at the deadline."""
        if self._is_shared:
            return self._when_ready(select.POLLIN, super().recv, *arguments)
        with self._by_deadline():
            return super().recv(*arguments)

    def recv_into(self, *arguments: Any) -> int:
        """Receive bytes into a buffer; ``TimeoutError`` at the deadline."""
        with self._by_deadline():
            return super().recv_into(*arguments)

    def send(self, *arguments: Any) -> int:
        """Send some bytes; ``TimeoutError`` at the deadline."""
        with self._by_deadline():
            return super().send(*arguments)

    def sendall(self, *arguments: Any) -> None:
        """Send all bytes; ``TimeoutError`` at the deadline."""
        if self._is_shared:
            rest = memoryview(arguments[0])
            while rest:
                rest = rest[self._when_ready(select.POLLOUT, super().send, rest) :]
            return None
        with self._by_deadline():
            return super().sendall(*arguments)


class _TlsSocket(DeadlineSocket, ssl.SSLSocket):
    """The same, encrypted."""


class _Connection(HTTPConnection):
    """A connection over TCP."""

    def _new_conn(self) -> socket.socket:
        self.timeout = at_most(self.timeout)
        plain = super()._new_conn()
        seconds = plain.gettimeout()
        connection = DeadlineSocket(fileno=plain.detach())
        connection.settimeout(seconds)
        return connection

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as in urllib3
        """Return the answer, whose head has one deadline: as long as a read may take."""
        with within(self.timeout or HEAD_SECONDS):
            return super().getresponse()


class _TlsConnection(_Connection, HTTPSConnection):
    """A connection over TLS."""


class _UnixConnection(_Connection):
    """A connection over a Unix socket."""

    def __init__(self, *arguments: Any, path: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._path = path

    def _new_conn(self) -> socket.socket:
        connection = DeadlineSocket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(at_most(self.timeout))
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        return connection


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _UnixPool(HTTPConnectionPool):
    ConnectionCls = _UnixConnection


class _UnixAdapter(UnixHTTPAdapter):
    """The SDK's way to a Unix socket, with our connections."""

    def get_connection(self, url: str | bytes, proxies: Any = None) -> Any:
        """Return the pool for a URL; there are no proxies."""
        del proxies
        with self.pools.lock:
            pool = self.pools.get(url)
            if pool is None:
                pool = _UnixPool("localhost", path=self.socket_path, maxsize=self.max_pool_size)
                self.pools[url] = pool
        return pool


class _NetworkAdapter(HTTPAdapter):
    """The way of requests to a host, with our connections; ``verify`` is for TLS."""

    def __init__(self, *, verify: bool) -> None:
        self._verify = verify
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Create the pools."""
        context = create_urllib3_context(
            cert_reqs=ssl.CERT_REQUIRED if self._verify else ssl.CERT_NONE
        )
        context.sslsocket_class = _TlsSocket
        super().init_poolmanager(*arguments, ssl_context=context, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def close(self) -> None:
        """Close all connections; urllib3 leaves those of a pool that an error refers to."""
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118  # a mapping that cannot be iterated
            if (pool := pools.get(key)) is not None:
                pool.close()
        super().close()


def adapter_for(endpoint: Endpoint) -> HTTPAdapter:
    """Return what carries the requests to an engine."""
    if endpoint.socket is not None:
        return _UnixAdapter(f"http+unix://{endpoint.socket}")
    return _NetworkAdapter(verify=endpoint.tls is None or endpoint.tls.verify)
