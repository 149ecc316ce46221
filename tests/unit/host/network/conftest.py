"""Warnings, which a process reports once, and a web server with a certificate of its own."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from os2cli.core.notices import NOTICES
from tests.certificates import Authority
from tests.serving import Quiet, http_server

Heard = list[tuple[str, str | None]]


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """The warnings of this test, as if the process were new."""
    heard: Heard = []
    monkeypatch.setattr(NOTICES, "_known", {})
    monkeypatch.setattr(NOTICES, "_report", lambda text, hint: heard.append((text, hint)))
    return heard


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this process trusts."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


class Hello(Quiet, BaseHTTPRequestHandler):
    """Answers with the ``Host`` that it was asked for."""

    def do_GET(self) -> None:
        body = self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def web() -> Iterator[int]:
    """The port of a plain web server."""
    with http_server(Hello) as port:
        yield port
