"""Proxies on loopback: HTTP (CONNECT and plain requests) and SOCKS5, with names of their own.

``hosts`` maps names, which no resolver knows, to ports of this computer.
"""

from __future__ import annotations

import base64
import re
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from itertools import chain, cycle

from tests.serving import HOST, ConnectionServer, read_head

PASSWORD = "hush/p@ss"
USER = "jo"


class Between(ConnectionServer):
    """Stands between a client and a server, and ends their connections when the test is over."""

    def __init__(self) -> None:
        super().__init__()
        self._joined: list[socket.socket] = []

    def __exit__(self, *error: object) -> None:
        for each in self._joined:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        super().__exit__(*error)

    def join(self, one: socket.socket, other: socket.socket) -> None:
        """Pass on what each side sends until both have ended."""
        self._joined += [one, other]
        back = threading.Thread(target=_pump, args=(other, one), daemon=True)
        back.start()
        _pump(one, other)
        back.join(5)


class _Proxy(Between):
    def __init__(self, hosts: Mapping[str, int], *, login: bool = False) -> None:
        super().__init__()
        self.hosts = hosts
        self.login = login
        self.asked: list[str] = []
        self.address = f"{HOST}:{self.port}"

    def connected(self, host: str, port: int) -> socket.socket:
        self.asked.append(f"{host}:{port}")
        return socket.create_connection((HOST, self.hosts[host]), 5)


class HttpProxy(_Proxy):
    """Answers 407 without the login if it asks for one, and 502 for a name it does not know."""

    def handle(self, connection: socket.socket) -> None:
        head = read_head(connection)
        if head is None:
            return
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode())
        if self.login and expected not in head:
            connection.sendall(_answer("407 Proxy Authentication Required"))
            return
        method, target = head.split(b" ")[:2]
        place = re.sub(rb"^http://([^/]*).*", rb"\1", target).decode()
        host, _, port = place.partition(":")
        try:
            other = self.connected(host, int(port or 80))
        except (KeyError, OSError):
            connection.sendall(_answer("502 Bad Gateway"))
            return
        with other:
            if method == b"CONNECT":
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                # One request a connection: the next one could be for another host.
                head = re.sub(rb"^(\S+) http://[^/ ]*", rb"\1 ", head)
                other.sendall(re.sub(rb"(?im)^connection:.*\n", b"Connection: close\r\n", head))
            self.join(connection, other)


class SocksProxy(_Proxy):
    """Resolves names itself; with ``login`` it takes a user name and a password."""

    def handle(self, connection: socket.socket) -> None:
        connection.recv(2 + 255)
        connection.sendall(b"\x05\x02" if self.login else b"\x05\x00")
        if self.login:
            expected = bytes([1, len(USER)]) + USER.encode()
            expected += bytes([len(PASSWORD)]) + PASSWORD.encode()
            right = connection.recv(513) == expected
            connection.sendall(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return
        request = connection.recv(1024)
        if request[3:4] != b"\x03":  # an address that the client resolved itself
            connection.sendall(b"\x05\x08\x00\x01" + bytes(6))
            return
        host = request[5:-2].decode()
        try:
            other = self.connected(host, struct.unpack("!H", request[-2:])[0])
        except (KeyError, OSError):
            connection.sendall(b"\x05\x04\x00\x01" + bytes(6))
            return
        with other:
            connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
            self.join(connection, other)


class Silent(ConnectionServer):
    """Takes connections and never answers."""

    def handle(self, connection: socket.socket) -> None:
        del connection
        self.ended.wait(10)


class Dripping(ConnectionServer):
    """Answers with what may become an answer, a byte at a time and without an end."""

    def __init__(self, beginning: bytes, more: bytes) -> None:
        super().__init__()
        self._beginning = beginning
        self._more = more

    def handle(self, connection: socket.socket) -> None:
        for byte in chain(self._beginning, cycle(self._more)):
            if self.ended.wait(0.05):
                return
            connection.sendall(bytes([byte]))


def closed_port() -> int:
    """Return a port at which nothing listens."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _answer(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
