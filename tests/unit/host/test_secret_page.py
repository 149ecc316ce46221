"""The page of ours that a browser opens instead of a secret address."""

from __future__ import annotations

import http.client
import re
import socket
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.host import forwarding_page
from os2cli.host.browser import open_page
from os2cli.host.secret_page import open_secret_page

SECRET = "http://machine.test/?token=4711"

Open = Callable[..., None]


@pytest.fixture
def open_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens an address on a host without snaps and without a runtime directory."""
    monkeypatch.setattr(forwarding_page, "SNAPS", tmp_path / "no-snaps")
    monkeypatch.setattr(forwarding_page, "RUNTIME", tmp_path / "no-runtime")
    return partial(open_secret_page, home=tmp_path, state=tmp_path / "state")


def opens(monkeypatch: pytest.MonkeyPatch, visit: Callable[[str], bool]) -> None:
    """Use ``visit`` as this host's browser."""
    monkeypatch.setattr("webbrowser.open", visit)


def page_of(address: str) -> Path:
    """Return the file that a browser was given."""
    parts = urlsplit(address)
    assert parts.scheme == "file", address
    return Path(url2pathname(parts.path))


def target(address: str) -> tuple[str, str]:
    """Return the host and the path that the page posts to."""
    found = re.search(r'action="http://([^"/]*)(/[^"]*)"', page_of(address).read_text())
    assert found
    return found[1], found[2]


def ask(host: str, path: str, method: str = "POST") -> tuple[int, str | None]:
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request(method, path)
    answer = connection.getresponse()
    connection.close()
    return answer.status, answer.headers["Location"]


def test_it_works_once_and_under_its_own_path_only(
    monkeypatch: pytest.MonkeyPatch, open_secret: Open
) -> None:
    answers = []

    def visit(address: str) -> bool:
        host, path = target(address)
        answers.append(ask(host, "/"))
        answers.append(ask(host, "/favicon.ico"))
        answers.append(ask(host, path))
        answers.append(ask(host, path))
        return True

    opens(monkeypatch, visit)
    open_secret(SECRET)

    assert answers == [(404, None), (404, None), (303, SECRET), (404, None)]


def test_others_see_neither_the_address_nor_one_that_leads_to_it(
    monkeypatch: pytest.MonkeyPatch, open_secret: Open, tmp_path: Path
) -> None:
    seen = []

    def visit(address: str) -> bool:
        host, path = target(address)
        file = page_of(address)
        seen.append((address, path, file.read_text()))
        assert host.startswith("127.0.0.1:")
        assert len(path) >= 16
        assert [stat.S_IMODE(each.stat().st_mode) for each in (file, file.parent)] == [0o600, 0o700]
        ask(host, path)
        return True

    opens(monkeypatch, visit)
    open_secret(SECRET)

    ((address, path, text),) = seen
    assert path not in address
    assert "4711" not in address + text
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_a_silent_connection_blocks_no_other(
    monkeypatch: pytest.MonkeyPatch, open_secret: Open
) -> None:
    silent = socket.socket()

    def visit(address: str) -> bool:
        host, path = target(address)
        name, _, port = host.partition(":")
        silent.connect((name, int(port)))
        threading.Timer(0.1, ask, (host, path)).start()
        return True

    opens(monkeypatch, visit)
    with silent:
        open_secret(SECRET)


def test_a_missing_browser_is_reported_at_once(
    monkeypatch: pytest.MonkeyPatch, open_secret: Open
) -> None:
    opens(monkeypatch, lambda _: False)

    for attempt in (open_page, open_secret):
        with pytest.raises(OperationFailed) as caught:
            attempt(SECRET)
        assert (caught.value.code, bool(caught.value.hint)) == ("browser_missing", True)
        assert "4711" not in f"{caught.value.message} {caught.value.hint}"


def test_waiting_for_the_browser_times_out(
    monkeypatch: pytest.MonkeyPatch, open_secret: Open, tmp_path: Path
) -> None:
    opens(monkeypatch, lambda _: True)

    with pytest.raises(OperationFailed, match=r"within 0\.2 s") as caught:
        open_secret(SECRET, seconds=0.2)

    assert "--signed" in (caught.value.hint or "")
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []
