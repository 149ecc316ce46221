"""A stream that is downloaded as it grows."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import OperationFailed, Unreachable
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.spool import Spool
from tests.clock import Time
from tests.unit.providers.daytona.guests import toolbox
from tests.unit.providers.daytona.wires import ACCESS, lost

MARK = "os2-0123456789abcdef"
END = b"\0" + MARK.encode() + b" 7\n"
DOING = "running x"
BYTES = {"Content-Type": "application/octet-stream"}


class Growing(httpx.BaseTransport):
    """A sandbox's file, of which each request finds a bit more, and with ``breaks`` gets a part."""

    def __init__(self, pieces: list[bytes], *, ranges: bool = True, breaks: bool = False) -> None:
        self.pieces = pieces
        self.ranges = ranges
        self.breaks = breaks
        self.content = b""
        self.sent = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as Go's file server."""
        self.content += self.pieces.pop(0) if self.pieces else b""
        start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
        if self.ranges and self.content and start >= len(self.content):
            return httpx.Response(416)
        data = self.content[start:] if self.ranges else self.content
        status = 206 if self.ranges and data else 200
        return httpx.Response(status, headers=BYTES, content=self._body(data))

    def _body(self, data: bytes) -> Iterator[bytes]:
        for position in range(0, len(data), 5):
            self.sent += len(data[position : position + 5])
            yield data[position : position + 5]
            if self.breaks:
                raise lost()


def spool(wire: httpx.BaseTransport) -> Spool:
    client = DaytonaClient(ACCESS, transport=wire, clock=Time().clock)
    return Spool(toolbox(client), "/tmp/x/stdout", MARK)


def read(stream: Spool, times: int = 1_000) -> bytes:
    """Return the stream, asking again after each broken connection."""
    content = b""
    for _ in range(times):
        if stream.exit_code is not None:
            break
        try:
            for data in stream.news(DOING):
                content += data
        except Unreachable:
            continue
    return content


# With what looks like the beginning of a mark.
CONTENT = st.lists(
    st.one_of(st.binary(max_size=9), st.integers(0, len(END) - 3).map(lambda n: END[:n])),
    max_size=6,
)


@given(CONTENT, st.booleans(), st.booleans(), st.binary(max_size=5), st.integers(0, len(END)))
def test_it_is_exact_up_to_its_mark(
    pieces: list[bytes], ranges: bool, breaks: bool, background: bytes, cut: int
) -> None:
    growth = [*pieces, END[:cut], END[cut:], background]
    wire = Growing(growth, ranges=ranges, breaks=ranges and breaks)
    stream = spool(wire)

    assert read(stream) == b"".join(pieces)
    assert stream.exit_code == 7


def test_each_byte_is_sent_once(time: Time) -> None:
    wire = Growing([b"x" * 100] * 20 + [END], breaks=True)

    read(spool(wire))

    assert wire.sent == len(wire.content)


def test_what_cannot_begin_the_mark_is_there_at_once() -> None:
    stream = spool(Growing([b"Password: ", b"\0os2-"]))

    assert b"".join(stream.news(DOING)) == b"Password: "
    assert b"".join(stream.news(DOING)) == b""


@pytest.mark.parametrize("status", [404, 502])
def test_a_file_that_vanishes_is_lost(status: int) -> None:
    answers = [
        httpx.Response(404),
        httpx.Response(200, headers=BYTES, content=iter([b"x"])),
        httpx.Response(status),
        httpx.Response(503),  # whether the machine still runs is not known
    ]
    stream = spool(httpx.MockTransport(lambda _: answers.pop(0)))

    assert (list(stream.news(DOING)), stream.seen) == ([], False)
    assert (list(stream.news(DOING)), stream.seen) == ([b"x"], True)
    with pytest.raises(OperationFailed if status == 404 else Unreachable) as caught:
        list(stream.news(DOING))
    assert caught.value.hint
