"""A real shell behind a real WebSocket: bytes in both directions, sizes, ends, flow control."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from os2cli.ui.terminal.bridge import MAX_MESSAGE_BYTES, MAX_TYPED, TOO_LARGE, WINDOW, serve
from tests.polling import until
from tests.processes import command_lines
from tests.serving import HOST, asgi_server

SECONDS = 10
SHELL = ["sh", "-i"]


@contextmanager
def served(command: list[str]) -> Iterator[str]:
    """Serve a terminal that runs ``command``; yields its URL."""

    async def terminal(websocket: WebSocket) -> None:
        await websocket.accept()
        await serve(websocket, command)

    app = Starlette(routes=[WebSocketRoute("/", terminal)])
    with asgi_server(app) as port:
        yield f"ws://{HOST}:{port}/"


class Page:
    """The browser's side: the output shown, and the control messages received."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.shown = b""
        self.messages: list[dict[str, Any]] = []

    def type(self, text: str) -> None:
        self.connection.send(text.encode())

    def tell(self, **what: int) -> None:
        self.connection.send(json.dumps(what))

    def until(self, found: Callable[[bytes], Any]) -> Any:
        """Receive until the condition holds, and acknowledge what is shown."""
        while not (answer := found(self.shown)):
            self.take()
        return answer

    def take(self) -> None:
        message = self.connection.recv(timeout=SECONDS)
        if isinstance(message, str):
            self.messages.append(json.loads(message))
        else:
            self.shown += message
            # The end may have been sent already and not received yet.
            with suppress(ConnectionClosed):
                self.tell(shown=len(message))

    def end(self) -> list[dict[str, Any]]:
        """Receive the rest; return the control messages."""
        try:
            while True:
                self.take()
        except ConnectionClosed:
            return self.messages


@contextmanager
def opened(address: str) -> Iterator[Page]:
    # A page that receives nothing does not notice that the other side leaves.
    options: dict[str, Any] = {"max_size": None, "compression": None, "close_timeout": 1}
    with connect(address, **options) as connection:
        yield Page(connection)


def test_input_reaches_the_shell_and_output_the_page() -> None:
    with served(SHELL) as address, opened(address) as page:
        page.type("echo $((6*7))\r")

        page.until(lambda shown: b"42\r\n" in shown)


def test_the_terminal_has_the_requested_size_and_can_be_resized() -> None:
    with served(SHELL) as address, opened(f"{address}?columns=91&rows=17") as page:
        page.type("stty size; tty; echo $TERM\r")
        page.until(lambda shown: b"17 91\r" in shown)
        page.until(lambda shown: b"/dev/pts/" in shown and b"\nxterm-256color\r" in shown)

        page.tell(columns=45, rows=12)
        page.type("stty size\r")
        page.until(lambda shown: b"12 45\r" in shown)


@pytest.mark.parametrize("asked", ["columns=x&rows=-1", "columns=0&rows=", "columns=99999999999"])
def test_an_invalid_size_is_ignored(asked: str) -> None:
    with served(SHELL) as address, opened(f"{address}?{asked}") as page:
        page.type("stty size\r")
        page.until(lambda shown: b"24 80\r" in shown)


@pytest.mark.parametrize(
    ("command", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("exec true", 0)]
)
def test_the_exit_code_is_reported(command: str, code: int) -> None:
    with served(SHELL) as address, opened(address) as page:
        page.type(f"{command}\r")

        assert page.end() == [{"exit": code}]


def test_ctrl_c_reaches_the_running_program() -> None:
    with served(SHELL) as address, opened(address) as page:
        page.type("sleep 100; echo code=$?\r")
        page.until(lambda shown: b"sleep 100" in shown)
        child = psutil.Process()
        until(lambda: ["sleep", "100"] in command_lines(child.children(recursive=True)))
        page.type("\x03")
        page.until(lambda shown: b"\n" in shown.partition(b"^C")[2])
        page.type("echo $((1+1))more\r")
        page.until(lambda shown: b"2more" in shown)


@pytest.mark.parametrize("stubborn", [False, True])
def test_closing_the_page_ends_the_shell_and_its_children(tmp_path: Path, stubborn: bool) -> None:
    pids = tmp_path / "pids"
    trap = "trap '' HUP TERM; " if stubborn else ""
    command = ["sh", "-c", f"{trap}sleep 300 & echo $$ $! > {pids}; wait; sleep 300"]
    with served(command) as address:
        with opened(address):
            until(lambda: pids.exists() and pids.read_text().endswith("\n"))
            shell, child = (int(pid) for pid in pids.read_text().split())
            assert psutil.pid_exists(shell)

        until(lambda: not psutil.pid_exists(shell), 10)
        until(lambda: not psutil.pid_exists(child), 10)


def test_stopping_the_server_ends_the_shell(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with served(["sh", "-c", f"echo $$ > {pid}; exec sleep 300"]) as address:
        connection = connect(address)
        until(lambda: pid.exists() and pid.read_text().endswith("\n"))
        shell = int(pid.read_text())
    with connection:
        until(lambda: not psutil.pid_exists(shell), 10)


def test_a_flood_of_output_waits_for_the_page() -> None:
    with (
        served(["sh", "-c", "yes | head -c 4000000; sleep 300"]) as address,
        opened(address) as page,
    ):
        taken = 0
        while taken < WINDOW:
            taken += len(page.connection.recv(timeout=SECONDS))
        with pytest.raises(TimeoutError):
            page.connection.recv(timeout=0.3)
        assert taken < WINDOW + 40_000

        page.tell(shown=taken)
        assert page.connection.recv(timeout=SECONDS)


def test_a_flood_of_output_arrives_complete() -> None:
    with served(["sh", "-c", "seq 1 200000"]) as address, opened(address) as page:
        assert page.end() == [{"exit": 0}]

        numbers = page.shown.replace(b"\r", b"").split()
        assert numbers == [str(number).encode() for number in range(1, 200001)]


def test_a_shell_that_reads_nothing_does_not_hide_that_the_page_closed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = ["sh", "-c", f"stty raw -echo; echo $$ > {pid}; exec sleep 300"]
    with served(command) as address:
        with opened(address) as page:
            until(lambda: pid.exists() and pid.read_text().endswith("\n"))
            shell = int(pid.read_text())
            for _ in range(40):
                page.connection.send(b"x" * 10_000)

        until(lambda: not psutil.pid_exists(shell), 10)


def test_unread_input_is_limited() -> None:
    command = ["sh", "-c", "stty raw -echo; exec sleep 300"]
    with served(command) as address, opened(address) as page:
        with suppress(ConnectionClosed):
            for _ in range(2 * MAX_TYPED // 10_000):
                page.connection.send(b"x" * 10_000)

        assert page.end() == []
        assert page.connection.close_code == TOO_LARGE


@pytest.mark.parametrize(
    "message",
    [
        b"x" * (MAX_MESSAGE_BYTES + 1),
        "x" * (MAX_MESSAGE_BYTES + 1),
        "no json",
        "[]",
        "null",
        '{"shown": 1000000}',
        '{"shown": -1}',
        '{"columns": 1}',
        '{"columns": "1", "rows": 2}',
        "[" * 60_000,
    ],
)
def test_an_invalid_message_closes_the_connection(message: str | bytes) -> None:
    with served(SHELL) as address, opened(address) as page:
        page.connection.send(message)

        assert page.end() == []


def test_a_program_that_cannot_start_is_reported_in_the_terminal() -> None:
    with served(["/nowhere/at/all"]) as address, opened(address) as page:
        assert page.end() == [{"exit": 127}]
        assert b"/nowhere/at/all" in page.shown


def test_no_file_descriptor_leaks() -> None:
    with served(["true"]) as address:
        with opened(address) as page:
            page.end()
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(5):
            with opened(address) as page:
                page.end()
        until(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)
