"""A proxy that numbers the calls of a command and lets one of them meet a fault.

One call a connection: it asks both sides to close, so that a call's number is its connection's.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
# Longer than any command may take.
PATIENCE_SECONDS = 120.0
_CHUNK = 65_536
Upstream = tuple[str, int] | Path
Behaviour = Callable[["Exchange"], None]


def reset(connection: socket.socket) -> None:
    """Close a connection with a RST."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def until_left(client: socket.socket) -> None:
    """Return when the client has closed its side, or after ``PATIENCE_SECONDS``."""
    client.settimeout(PATIENCE_SECONDS)
    with suppress(OSError):
        while client.recv(_CHUNK):
            pass


@dataclass
class Exchange:
    """One call: the client's connection, and the request as it came."""

    client: socket.socket
    number: int
    head: bytes
    body: bytes
    upstream: Upstream
    origin: str
    # Closes the door: from now on connections are refused.
    close: Callable[[], None]

    @property
    def line(self) -> str:
        """Method and path."""
        return " ".join(self.head.split(b"\r\n", 1)[0].decode("latin-1").split()[:2])

    @property
    def upgrades(self) -> bool:
        """Whether the connection becomes one of another protocol."""
        return re.search(rb"(?im)^upgrade:", self.head) is not None

    def answer(self) -> bytes:
        """Let the server handle the call; return its whole answer."""
        with self._sent() as server:
            answer = _head(server)
            with suppress(OSError):
                while part := server.recv(_CHUNK):
                    answer += part
            return answer

    def pass_on(self) -> None:
        """Let the server handle the call, and the client read the answer as it comes."""
        with self._sent() as server:
            if self.upgrades:
                thread = threading.Thread(target=_pump, args=(self.client, server), daemon=True)
                thread.start()
                _pump(server, self.client)
                thread.join(PATIENCE_SECONDS)
                return
            self.client.sendall(_head(server))
            _pump(server, self.client)

    def _sent(self) -> socket.socket:
        server = _connected(self.upstream)
        server.sendall((self.head if self.upgrades else _closing(self.head)) + self.body)
        return server


def _closing(head: bytes) -> bytes:
    """Return a head that says that the connection ends with this call."""
    head = re.sub(rb"(?im)^connection:.*\r\n", b"", head)
    return head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)


def _head(server: socket.socket) -> bytes:
    """Read an answer until its head is complete; return that, and what came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = server.recv(_CHUNK)
        if not part:
            break
        data += part
    return _closing(data)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(_CHUNK):
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@dataclass
class FaultProxy:
    """Passes calls on to ``upstream``; the call ``at``, counted from 1, meets ``behaviour``.

    If that is ``lasting``, all later calls also meet it. What ``upstream`` refers to gets an origin
    of its own here; all calls are counted together.
    """

    upstream: Upstream
    at: int = 0
    behaviour: Behaviour | None = None
    lasting: bool = False
    calls: list[str] = field(default_factory=list)
    met: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._listeners: list[socket.socket] = []
        self._ports: dict[Upstream, int] = {}
        self.origin = self.before(self.upstream)
        self.port = self._ports[self.upstream]
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def before(self, upstream: Upstream) -> str:
        """Return the origin that leads to ``upstream``."""
        with self._lock:
            if upstream not in self._ports:
                self._ports[upstream] = self._listen(upstream, 0)
            return f"http://{HOST}:{self._ports[upstream]}"

    def heal(self) -> None:
        """Pass all further calls on."""
        with self._lock:
            self.behaviour = None
            if not self._listeners:
                for upstream, port in self._ports.items():
                    self._listen(upstream, port)

    def _listen(self, upstream: Upstream, port: int) -> int:
        listener = socket.create_server((HOST, port), backlog=128)
        self._listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, upstream), daemon=True).start()
        return int(listener.getsockname()[1])

    def _close(self) -> None:
        with self._lock:
            for listener in self._listeners:
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                listener.close()
            self._listeners.clear()

    def _accept(self, listener: socket.socket, upstream: Upstream) -> None:
        # It ends when the listener is closed.
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client, upstream), daemon=True).start()

    def _serve(self, client: socket.socket, upstream: Upstream) -> None:
        with client, suppress(OSError, EOFError):
            client.settimeout(PATIENCE_SECONDS)
            request = _read(client)
            if request is None:
                return
            exchange = Exchange(client, 0, *request, upstream, self.before(upstream), self._close)
            with self._lock:
                self.calls.append(exchange.line)
                exchange.number = len(self.calls)
            behaviour = self.behaviour
            is_met = exchange.number == self.at or (self.lasting and exchange.number > self.at > 0)
            if behaviour is None or not is_met:
                exchange.pass_on()
                return
            self.met.set()
            behaviour(exchange)


def _connected(upstream: Upstream) -> socket.socket:
    if isinstance(upstream, Path):
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(upstream))
    else:
        server = socket.create_connection(upstream)
    server.settimeout(PATIENCE_SECONDS)
    return server


def _read(client: socket.socket) -> tuple[bytes, bytes] | None:
    """Read a request: its head, and its body as it was sent."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(_CHUNK)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    head += b"\r\n\r\n"
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    chunked = re.search(rb"(?im)^transfer-encoding: *chunked", head)
    while (length and len(body) < int(length[1])) or (chunked and not body.endswith(b"0\r\n\r\n")):
        part = client.recv(_CHUNK)
        if not part:
            return None
        body += part
    return head, body
