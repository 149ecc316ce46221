"""The log of a container: of any size, and of an engine that goes away."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from itertools import islice

import pytest

from os2cli.core.errors import Os2Error
from os2cli.core.models import LogRequest
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines import logs
from os2cli.providers.local_docker.machines.logs import container_log
from os2cli.providers.log_lines import MAX_LINE_BYTES
from tests.serving import HOST, Quiet, http_server

RUNNING = {"Status": "running", "Running": True, "StartedAt": "2026-01-11T19:30:45Z"}
EXITED = {"Status": "exited", "Running": False, "StartedAt": "2026-01-11T19:30:45Z"}

Write = Callable[[Callable[[bytes], None]], None]


def frame(data: bytes) -> bytes:
    return bytes([1, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@contextmanager
def engine_with(write: Write, *states: dict[str, object], whole: bool = True) -> Iterator[Engine]:
    """An engine whose log is what ``write`` sends; ``states`` are its answers in turn.

    Unless it is ``whole``, the connection breaks after it, as that of a killed engine does.
    """
    answers = list(states)

    class Handler(Quiet, BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if "/logs" in self.path:
                self._log()
            elif "/version" in self.path:
                self._json({"ApiVersion": "1.41", "Version": "20.10.24"})
            else:
                state = answers.pop(0) if len(answers) > 1 else answers[0]
                self._json({"Id": "c", "Config": {"Tty": False}, "HostConfig": {}, "State": state})

        def _json(self, document: object) -> None:
            data = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _log(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()

            def send(data: bytes) -> None:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

            with suppress(OSError):
                write(send)
                if whole:
                    self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True

    with http_server(Handler) as port:
        engine = Engine(Endpoint(url=f"tcp://{HOST}:{port}", origin="test"))
        with closing(engine.client):
            yield engine


def test_a_large_log_takes_no_memory_and_comes_at_once() -> None:
    line = b"x" * 999 + b"\n"

    def write(send: Callable[[bytes], None]) -> None:
        for _ in range(4_000):
            send(frame(line * 16))

    with engine_with(write, RUNNING) as engine:
        lines = container_log(engine, "c", LogRequest())
        first = next(lines)
        tracemalloc.start()
        count = sum(1 for _ in lines)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert (len(first), count) == (999, 63_999)
    assert peak < 16_000_000


def test_one_endless_line_is_cut() -> None:
    def write(send: Callable[[bytes], None]) -> None:
        for _ in range(1_000):
            send(frame(b"x" * 65_536))
        send(frame(b"\nnext\n"))

    with engine_with(write, RUNNING) as engine:
        tracemalloc.start()
        cut, following = container_log(engine, "c", LogRequest())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert cut.startswith("x" * MAX_LINE_BYTES)
    assert "cut" in cut[MAX_LINE_BYTES:]
    assert following == "next"
    assert peak < 32_000_000


@pytest.mark.parametrize("whole", [False, True], ids=["broken", "closed"])
def test_an_engine_that_goes_away_is_not_the_end_of_a_machine(
    monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    monkeypatch.setattr("os2cli.providers.local_docker.machines.logs.END_SECONDS", 0.2)
    with engine_with(lambda send: send(frame(b"one\n")), RUNNING, whole=whole) as engine:
        lines = container_log(engine, "c", LogRequest(follow=True))
        assert next(lines) == "one"

        with pytest.raises(Os2Error) as caught:
            list(lines)

    assert caught.value.exit_code != 0
    assert caught.value.hint


@pytest.mark.parametrize(
    "later",
    [EXITED, RUNNING | {"StartedAt": "2026-01-11T20:00:00Z"}],
    ids=["stopped", "started again"],
)
def test_following_ends_with_the_machine(later: dict[str, object]) -> None:
    with engine_with(lambda send: send(frame(b"one\n")), RUNNING, RUNNING, later) as engine:
        assert list(container_log(engine, "c", LogRequest(follow=True))) == ["one"]


def test_a_reader_that_leaves_early_closes_the_connection() -> None:
    def write(send: Callable[[bytes], None]) -> None:
        while True:
            send(frame(b"x\n" * 1_000))

    with engine_with(write, RUNNING) as engine:
        lines = container_log(engine, "c", LogRequest(follow=True))
        assert list(islice(lines, 3)) == ["x", "x", "x"]
        lines.close()  # type: ignore[attr-defined]


def test_an_engine_that_stays_silent_ends_a_log_that_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "SILENT_SECONDS", 0.3)
    over = threading.Event()

    def write(send: Callable[[bytes], None]) -> None:
        send(frame(b"first\n"))
        over.wait(20)

    with engine_with(write, RUNNING) as engine:
        lines = container_log(engine, "c", LogRequest())
        assert next(lines) == "first"
        with pytest.raises(Os2Error) as caught:
            next(lines)
        over.set()

    assert caught.value.hint
