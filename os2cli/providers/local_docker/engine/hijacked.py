"""The raw connection that the engine turns a request into: a program's streams, or a session."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from os2cli.core.deadline import seconds_left, within
from os2cli.providers.local_docker.engine.answers import InvalidAnswer
from os2cli.providers.local_docker.engine.failures import ConnectionLost
from os2cli.providers.local_docker.engine.sockets import DeadlineSocket

STDOUT, STDERR = 1, 2
# Ctrl-P and Ctrl-Q are the shell's. An engine always has keys with which a terminal leaves a
# program, and holds the first back until the next: no one types these, and after the first, which
# starts a region in editors, nothing is expected to show.
DETACH_KEYS = "ctrl-@,ctrl-],ctrl-^,ctrl-_,~,%,ctrl-\\,&,+,#"
CHUNK_BYTES = 64 * 1024
# A program may write nothing for any time, but an engine sends a frame that has started at once.
FRAME_SECONDS = 20.0
# The stream's number, and the length of what follows; see "Stream format" of the Engine API.
_HEAD_BYTES = 8


class Silence(TimeoutError):
    """Nothing was received and nothing taken for as long as a caller allows."""


class Connection:
    """A connection; ``received`` is what has arrived of its stream already.

    One thread may receive while another sends.
    """

    def __init__(self, connection: socket.socket, received: bytes) -> None:
        if isinstance(connection, DeadlineSocket):
            connection.share()
        self._connection = connection
        self._received = received
        # When another thread last sent something, on the monotonic clock.
        self._sent_at = 0.0

    def frames(self, silence: float | None = None) -> Iterator[tuple[int, bytes]]:
        """Yield the number of a stream and data of it, until the engine ends the connection.

        Raises:
            ConnectionLost: it ended within a frame.
            InvalidAnswer: a frame has another number.
            Silence: for ``silence`` seconds no frame came, and nothing sent was taken.
        """
        while first := self._first_byte(silence):
            with within(FRAME_SECONDS):
                head = first + self._exactly(_HEAD_BYTES - 1)
            if head[0] not in (STDOUT, STDERR):
                raise InvalidAnswer("a frame belongs to neither stream")
            left, seconds = int.from_bytes(head[4:], "big"), FRAME_SECONDS
            while left:
                began = time.monotonic()
                with within(max(seconds, 0.0)):
                    data = self.receive(min(left, CHUNK_BYTES))
                # Not the time of the caller, between two pieces of a frame.
                seconds -= time.monotonic() - began
                if not data:
                    raise ConnectionLost("the stream ended within a frame")
                left -= len(data)
                yield head[0], data

    def _first_byte(self, silence: float | None) -> bytes:
        if silence is None:
            return self.receive(1)
        began = time.monotonic()
        while True:
            since = max(began, self._sent_at)
            try:
                with within(max(since + silence - time.monotonic(), 0.0)):
                    return self.receive(1)
            except TimeoutError:
                if seconds_left() == 0:
                    raise
                if self._sent_at <= since:
                    raise Silence(f"silent for {silence:g} s") from None

    def receive(self, count: int = CHUNK_BYTES) -> bytes:
        """Return up to ``count`` bytes; none if the engine has ended the connection."""
        if self._received:
            data, self._received = self._received[:count], self._received[count:]
            return data
        return self._connection.recv(count)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            if not (part := self.receive(count - len(data))):
                raise ConnectionLost("the stream ended within a frame")
            data += part
        return data

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._connection.sendall(data)
        self._sent_at = time.monotonic()

    def end_sending(self) -> None:
        """Close the sending side."""
        self._connection.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """End what waits for the connection, in any thread."""
        self._connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def hijacked(answer: Any) -> Iterator[Connection]:
    """Yield the connection of what the SDK returned for it, and close it in the end.

    That is a file around the socket, on which the SDK leaves the response.
    """
    response = getattr(answer, "_response", None)
    connection: socket.socket = getattr(answer, "_sock", answer)
    try:
        if response is not None and "Content-Length" in response.headers:
            raise InvalidAnswer("it is not a stream")
        yield Connection(connection, _read_ahead(connection, response))
    finally:
        # All three hold the connection, and each alone keeps it open.
        for holder in (answer, connection, response):
            if holder is not None:
                with suppress(OSError, ValueError):
                    holder.close()


def _read_ahead(connection: socket.socket, response: Any) -> bytes:
    """Return what was read together with the head of the response, which the SDK forgets."""
    buffered = getattr(getattr(getattr(response, "raw", None), "_fp", None), "fp", None)
    connection.settimeout(0)
    data: bytes = buffered.peek() if buffered is not None else b""
    # Programs may write nothing for any time.
    connection.settimeout(None)
    return data
