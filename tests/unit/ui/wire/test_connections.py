"""Connections that only take up room end by themselves; the page's user notices nothing."""

from __future__ import annotations

import logging
import resource
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send
from websockets.sync.client import connect

from os2cli.ui.guard.bodies import BODY_BYTES
from os2cli.ui.guard.credentials import Credentials
from os2cli.ui.guard.guard import Guard
from os2cli.ui.server import Server, listening_socket
from os2cli.ui.wire.limits import MAX_HEAD_BYTES, WireLimits, wire_limits
from os2cli.ui.wire.log import FILE, MAX_FILE_BYTES, MAX_LINE_LENGTH, logging_to
from tests.polling import until

HALVES = [
    b"",
    b"G",
    b"GET / HTTP/1.1\r\nHost: x\r\n",
    b"GET / HTTP/1.1\r\nCookie: " + b"x" * 10_000,
    b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n",
    b"\r\n\r\n"[:3],
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n",
]
QUICK = WireLimits(connections=24, backlog=8, head_seconds=1.0, read_seconds=1.0)
ENDLESS = "/endless"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo WebSockets, pour without end at one path, and answer everything else."""
    if scope["type"] == "lifespan":
        for word in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{word}.complete"})
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "bytes": b"x" * 65536})
            await anyio.sleep(0)
    if scope["path"].endswith(ENDLESS):
        await StreamingResponse(pour())(scope, receive, send)
        return
    while (await receive()).get("more_body"):
        pass
    await PlainTextResponse("hello")(scope, receive, send)


async def pour() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65536
        await anyio.sleep(0)


class Page:
    """A server with small limits, and its log."""

    def __init__(self, credentials: Credentials, log: Path) -> None:
        self.credentials = credentials
        self.log = log

    @property
    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.credentials.port), 20)
        connection.settimeout(20)
        return connection

    def head(self, path: str = "/", method: str = "GET", *headers: str) -> bytes:
        credentials = self.credentials
        lines = [
            f"{method} {credentials.base}{path} HTTP/1.1",
            f"Host: 127.0.0.1:{credentials.port}",
            f"Cookie: {credentials.cookie}={credentials.session}",
            f"Origin: {credentials.origin}",
            *headers,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def works(self) -> bool:
        """Return whether the user's browser gets a page."""
        with self.connect() as connection:
            connection.sendall(self.head())
            answer = b""
            while b"hello" not in answer:
                part = connection.recv(4096)
                if not part:
                    return False
                answer += part
        return True


@contextmanager
def serving(folder: Path, limits: WireLimits = QUICK) -> Iterator[Page]:
    listener = listening_socket(None)
    credentials = Credentials(listener.getsockname()[1])
    server = Server(Guard(app, credentials, {}), listener, credentials, limits)
    with logging_to(folder), server.running():
        yield Page(credentials, folder / FILE)
    listener.close()


def is_closed(connection: socket.socket) -> bool:
    """Read until the other side ends, at most for the deadline of the socket."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("half", HALVES, ids=repr)
def test_half_a_request_ends_with_one_line_in_the_log(tmp_path: Path, half: bytes) -> None:
    with serving(tmp_path) as page, page.connect() as connection:
        connection.sendall(half)
        assert page.works()
        assert is_closed(connection)
        until(lambda: page.lines)

        assert len(page.lines) == 1
        assert "no whole request within 1 s" in page.lines[0]
        assert page.works()


@pytest.mark.parametrize("half", [HALVES[2], HALVES[3]], ids=repr)
def test_a_drip_does_not_put_the_deadline_off(tmp_path: Path, half: bytes) -> None:
    with serving(tmp_path) as page, page.connect() as connection:
        connection.sendall(half)
        ended = threading.Event()

        def drip() -> None:
            with suppress(OSError):
                while not ended.wait(0.05):
                    connection.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert is_closed(connection)
        ended.set()
        dripping.join()
        until(lambda: page.lines)
        assert len(page.lines) == 1


def test_the_next_request_of_a_connection_has_the_same_deadline(tmp_path: Path) -> None:
    with serving(tmp_path) as page, page.connect() as connection:
        for _ in range(3):
            connection.sendall(page.head())
            answer = b""
            while b"hello" not in answer:
                answer += connection.recv(4096)
        connection.sendall(page.head()[:30])

        assert is_closed(connection)
        assert len(page.lines) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_drips_has_a_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunked: bool
) -> None:
    monkeypatch.setattr("os2cli.ui.guard.guard.BODY_SECONDS", 1.0)
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {BODY_BYTES}"
    with serving(tmp_path) as page, page.connect() as connection:
        connection.sendall(page.head("/", "POST", length))
        ended = threading.Event()

        def drip() -> None:
            with suppress(OSError):
                while not ended.wait(0.05):
                    connection.sendall(b"1\r\nx\r\n" if chunked else b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        answer = connection.recv(100)
        assert answer.startswith(b"HTTP/1.1 408 ")
        # What still drips in does not count as a request.
        assert is_closed(connection)
        ended.set()
        dripping.join()


def test_a_flood_of_halves_ends_and_the_page_goes_on(tmp_path: Path) -> None:
    """1,100 of them took all descriptors, and the page with them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    limits = WireLimits(connections=64, backlog=16, head_seconds=2.0)
    try:
        with serving(tmp_path, limits) as page, ExitStack() as open_ones:
            halves = []
            for number in range(1_100):
                half = open_ones.enter_context(page.connect())
                with suppress(OSError):
                    half.sendall(HALVES[number % len(HALVES)])
                halves.append(half)
                if number % 275 == 0:
                    assert page.works()
            assert page.works()
            assert all(is_closed(half) for half in halves)
            until(lambda: len(page.lines) >= len(halves))

            assert len(page.lines) == len(halves)
            assert all("ended a connection from port" in line for line in page.lines)
            assert page.works()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_heads_of_all_connections_together_are_limited(tmp_path: Path) -> None:
    limits = WireLimits(connections=64, backlog=8, head_bytes=4 * MAX_HEAD_BYTES)
    with serving(tmp_path, limits) as page, ExitStack() as open_ones:
        for _ in range(16):
            half = open_ones.enter_context(page.connect())
            with suppress(OSError):
                half.sendall(b"GET / HTTP/1.1\r\nCookie: " + b"x" * (MAX_HEAD_BYTES - 100))
        until(lambda: len(page.lines) >= 12)
        assert "bytes of unfinished requests" in page.lines[0]
        assert page.works()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nCookie: " + b"x" * (2 * MAX_HEAD_BYTES),
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 20_000 + b"\r\n",
    ],
    ids=["cookies", "a header", "many headers"],
)
def test_a_head_that_is_too_large_is_rejected(tmp_path: Path, head: bytes) -> None:
    with serving(tmp_path) as page, page.connect() as connection:
        with suppress(OSError):
            connection.sendall(head)
        with suppress(ConnectionResetError):
            assert connection.recv(100).startswith(b"HTTP/1.1 431 ")
        assert "its head is too large" in page.lines[0]
        assert len(page.lines) == 1
        assert page.works()


def test_many_requests_at_once_are_answered_in_turn(tmp_path: Path) -> None:
    with serving(tmp_path) as page, page.connect() as connection:
        connection.sendall(page.head() * 200)
        answers = b""
        while answers.count(b"hello") < 200:
            part = connection.recv(65536)
            assert part
            answers += part
        assert page.works()


def test_streams_that_are_never_read_end(tmp_path: Path) -> None:
    with serving(tmp_path) as page, ExitStack() as open_ones:
        streams = []
        for _ in range(3 * QUICK.connections):
            stream = open_ones.enter_context(page.connect())
            with suppress(OSError):
                stream.sendall(page.head(ENDLESS))
            streams.append(stream)
            # Also while all the room is taken.
            assert page.works()
        until(lambda: len(page.lines) >= len(streams), 30)

        assert len(page.lines) == len(streams)
        assert any("not read within 1 s" in line for line in page.lines)
        assert page.works()


def test_a_websocket_that_never_reads_ends(tmp_path: Path) -> None:
    upgrade = (
        *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    with serving(tmp_path) as page, page.connect() as connection:
        connection.sendall(page.head("/socket", "GET", *upgrade))
        until(lambda: any("not read within 1 s" in line for line in page.lines), 20)
        assert page.works()


def test_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    """Only standing still ends a connection."""
    limits = WireLimits(connections=24, backlog=8, read_seconds=3.0)
    with serving(tmp_path, limits) as page, page.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        connection.sendall(page.head(ENDLESS))
        read = 0
        ended = threading.Event()
        threading.Timer(8.0, ended.set).start()
        while not ended.wait(0.05):
            read += len(connection.recv(16 * 1024))
        assert read > 0
        assert page.lines == []


def test_a_terminal_is_not_ended_by_a_flood(tmp_path: Path) -> None:
    with serving(tmp_path) as page:
        credentials = page.credentials
        url = f"ws://127.0.0.1:{credentials.port}{credentials.base}/socket"
        cookie = {"Cookie": f"{credentials.cookie}={credentials.session}"}
        origin = {"Origin": credentials.origin}
        with connect(url, additional_headers=cookie | origin, proxy=None) as terminal:
            assert terminal.recv(timeout=20)
            with ExitStack() as open_ones:
                for _ in range(3 * QUICK.connections):
                    open_ones.enter_context(page.connect())
                assert terminal.recv(timeout=20)


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n\r\n",
     b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"],
    ids=repr,
)  # fmt: skip
def test_garbage_leaves_one_line_at_most(tmp_path: Path, garbage: bytes) -> None:
    with serving(tmp_path) as page, page.connect() as connection:
        connection.sendall(garbage)
        assert is_closed(connection)
        assert len(page.lines) <= 1
        assert page.works()


def test_a_failure_in_the_page_is_one_line(tmp_path: Path) -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        raise ValueError("a\nb\x1b[31m" + "c" * 1_000_000)

    listener = listening_socket(None)
    credentials = Credentials(listener.getsockname()[1])
    with logging_to(tmp_path), Server(fails, listener, credentials).running():
        assert httpx.get(credentials.home, trust_env=False).status_code == 500
        until((tmp_path / FILE).read_text)
    listener.close()

    (line,) = (tmp_path / FILE).read_text().splitlines()
    assert "ValueError: a b" in line
    assert "\x1b" not in line
    assert len(line) <= MAX_LINE_LENGTH


def test_the_log_does_not_grow_without_end(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    with logging_to(folder):
        for _ in range(6_000):
            logging.getLogger("os2.ui").warning("%s", "x" * 400)

    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(sizes) == {FILE, f"{FILE}.1"}
    assert max(sizes.values()) <= MAX_FILE_BYTES
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_written_costs_only_the_log(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with logging_to(tmp_path / "file"):
        logging.getLogger("os2.ui").warning("lost")


@pytest.mark.parametrize(("descriptors", "connections"), [(256, 64), (1024, 256), (1 << 20, 256)])
def test_a_process_keeps_descriptors_for_its_own_work(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, connections: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))

    assert wire_limits().connections == connections
    assert wire_limits().backlog <= connections
