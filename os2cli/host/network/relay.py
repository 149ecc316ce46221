"""An HTTP proxy on loopback for clients that know no SOCKS and no names below ``localhost``.

Only who has its password may use it: other users of this computer can connect to it as well.
"""

from __future__ import annotations

import re
import secrets
import socket
import socketserver
import threading
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from urllib.parse import quote, urlsplit

from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError
from python_socks.sync import Proxy as SocksProxy

from os2cli.host.network.proxies import Proxy

# A status of its own: what follows it says what the way behind the relay said.
FAILED = 599
LOGIN_REJECTED = 407
CONNECT_SECONDS = 10.0
_MAX_HEAD_BYTES = 64 * 1024
_PIECE_BYTES = 64 * 1024
_CONNECTION_HEADERS = re.compile(rb"(?im)^(proxy-[^:]*|connection):[^\r\n]*\r\n")
_ORIGIN = re.compile(rb"^(\S+) http://[^/? ]*/?")

Dial = Callable[[str, int], socket.socket]


class NoWay(Exception):
    """The relay cannot reach a host; ``status`` tells a rejected login apart."""

    def __init__(self, reason: str, status: int = FAILED) -> None:
        super().__init__(reason)
        self.status = status


class Relay(socketserver.ThreadingTCPServer):
    """Connects its clients to what ``dial`` connects to, until the process ends."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, dial: Dial) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.dial = dial
        self._password = secrets.token_urlsafe(24)
        login = b64encode(f"os2:{self._password}".encode()).decode()
        self.expected = f"proxy-authorization: basic {login}".lower().encode()
        threading.Thread(target=self.serve_forever, name="relay", daemon=True).start()

    @property
    def url(self) -> str:
        """Its URL, with the password."""
        return f"http://os2:{quote(self._password, '')}@127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing about a client that has left."""


class _Exchange(socketserver.BaseRequestHandler):
    """One connection of a client."""

    server: Relay
    request: socket.socket

    def handle(self) -> None:
        head, rest = self._head()
        if self.server.expected not in head.lower():
            self._refuse(LOGIN_REJECTED, "Proxy Authentication Required")
            return
        method, target = head.split(b" ", 2)[:2]
        tunnel = method == b"CONNECT"
        parts = urlsplit(f"//{target.decode()}" if tunnel else target.decode())
        try:
            other = self.server.dial(parts.hostname or "", parts.port or 80)
        except NoWay as error:
            self._refuse(error.status, str(error))
            return
        with other:
            if tunnel:
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                other.sendall(_as_to_the_server(head))
            other.sendall(rest)
            self.request.settimeout(None)
            other.settimeout(None)
            _join(self.request, other)

    def _head(self) -> tuple[bytes, bytes]:
        self.request.settimeout(CONNECT_SECONDS)
        received = b""
        while b"\r\n\r\n" not in received and len(received) < _MAX_HEAD_BYTES:
            piece = self.request.recv(_PIECE_BYTES)
            if not piece:
                raise ConnectionError("the client has left")
            received += piece
        head, end, rest = received.partition(b"\r\n\r\n")
        return head + end, rest

    def _refuse(self, status: int, reason: str) -> None:
        # A reason is one line of ASCII.
        line = " ".join(reason.encode("ascii", "replace").decode().split())
        answer = f"HTTP/1.1 {status} {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.request.sendall(answer.encode())


def _as_to_the_server(head: bytes) -> bytes:
    """Return a request's head as without a proxy; the next request takes another connection."""
    head = _CONNECTION_HEADERS.sub(b"", _ORIGIN.sub(rb"\1 /", head, count=1))
    return head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@cache
def relay_through(proxy: Proxy) -> Relay:
    """Return the relay that reaches every host through a SOCKS proxy."""
    # Names are resolved there: behind the proxy they often cannot be resolved here.
    url = proxy.url.replace("socks5h://", "socks5://", 1)

    def dial(host: str, port: int) -> socket.socket:
        try:
            return SocksProxy.from_url(url, rdns=True).connect(host, port, CONNECT_SECONDS)
        except ProxyTimeoutError as error:
            raise NoWay("timed out") from error
        except (ProxyConnectionError, ProxyError, OSError, ValueError) as error:
            login = "auth" in str(error).lower()
            raise NoWay(str(error), LOGIN_REJECTED if login else FAILED) from error

    return Relay(dial)


@cache
def relay_to_loopback() -> Relay:
    """Return the relay that takes every host for this computer."""
    return Relay(_dial_loopback)


def _dial_loopback(host: str, port: int, seconds: float = CONNECT_SECONDS) -> socket.socket:
    """Connect to a port of this computer, over IPv4 or IPv6; any ``host`` means it."""
    del host
    reasons: list[OSError] = []
    for address in ("127.0.0.1", "::1"):
        try:
            return socket.create_connection((address, port), seconds)
        except OSError as error:
            reasons.append(error)
    raise NoWay(str(reasons[0]))


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass on what each side sends until both have ended."""
    back = threading.Thread(target=_pump, args=(other, one), daemon=True)
    back.start()
    _pump(one, other)
    back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
