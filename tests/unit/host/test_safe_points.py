"""Where a signal may interrupt a request: wherever it may, the next request is answered."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from types import CodeType, FrameType
from typing import Any

import httpx
import pytest
import requests

from os2cli.host.network.transport import Transport
from os2cli.host.safe_points import is_safe_point
from tests.serving import Quiet, http_server

SECONDS = 5
Get = Callable[[str], str]


class Interruption(BaseException):
    """What a signal raises."""


class Echo(Quiet, BaseHTTPRequestHandler):
    """Answers with the path."""

    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def url() -> Iterator[str]:
    with http_server(Echo) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def with_httpx() -> Iterator[Get]:
    with httpx.Client(transport=Transport(), timeout=SECONDS) as client:
        yield lambda url: client.get(url).text


@contextmanager
def with_requests() -> Iterator[Get]:
    """As the SDK of the engine sends them."""
    with requests.Session() as session:
        yield lambda url: session.get(url, timeout=SECONDS).text


class Traced:
    """Calls a function and raises at its event ``number``, if that is given."""

    def __init__(self, number: int | None = None) -> None:
        self.number = number
        self.safe: dict[tuple[CodeType, int], int] = {}
        self.unsafe = 0
        self._events = 0

    def call(self, function: Callable[[], Any]) -> None:
        before = sys.gettrace()
        sys.settrace(self._event)
        try:
            function()
        except Interruption:
            pass
        finally:
            sys.settrace(before)

    def _event(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            self._events += 1
            if self._events == self.number:
                raise Interruption
            if self.number is None and is_safe_point(frame):
                self.safe.setdefault((frame.f_code, frame.f_lineno), self._events)
            else:
                self.unsafe += 1
        return self._event


# A connection that is interrupted while it is made is closed when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("library", [with_httpx, with_requests])
def test_the_next_request_is_answered(
    library: Callable[[], AbstractContextManager[Get]], url: str
) -> None:
    with library() as get:
        get(url)
        traced = Traced()
        traced.call(lambda: get(f"{url}/first"))
        assert traced.unsafe > len(traced.safe) > 10

        for number in traced.safe.values():
            Traced(number).call(lambda: get(f"{url}/interrupted"))
            assert _in_a_thread(lambda: get(f"{url}/next")) == "/next", number
    gc.collect()


def _in_a_thread(call: Callable[[], str]) -> str | None:
    """Return the answer, or None: a lock that is never released hangs the thread alone."""
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(call()), daemon=True)
    thread.start()
    thread.join(SECONDS)
    return answers[0] if answers else None
