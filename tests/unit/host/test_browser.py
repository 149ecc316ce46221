"""The address that a browser is given in place of a secret one."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.host.browser import open_page, open_secret_page

SECRET = "http://machine.test/?token=4711"


def opens(monkeypatch: pytest.MonkeyPatch, visit: Callable[[str], bool]) -> None:
    """Let a visitor be the browser of this host."""
    monkeypatch.setattr("webbrowser.open", visit)


def ask(host: str, path: str) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request("GET", path)
    answer = connection.getresponse()
    connection.close()
    return answer.status, answer.headers["Location"]


def test_it_works_once_and_under_its_own_path_only(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = []

    def visit(url: str) -> bool:
        host, _, path = url.removeprefix("http://").partition("/")
        assert SECRET not in url
        answers.append(ask(host, "/"))
        answers.append(ask(host, "/favicon.ico"))
        answers.append(ask(host, f"/{path}"))
        answers.append(ask(host, f"/{path}"))
        return True

    opens(monkeypatch, visit)
    open_secret_page(SECRET)

    assert answers == [(404, None), (404, None), (302, SECRET), (404, None)]


def test_one_that_connects_and_says_nothing_is_in_nobodys_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = socket.socket()

    def visit(url: str) -> bool:
        host, _, path = url.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        silent.connect((name, int(port)))
        threading.Timer(0.1, ask, (host, f"/{path}")).start()
        return True

    opens(monkeypatch, visit)
    with silent:
        open_secret_page(SECRET)


def test_only_this_host_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def visit(url: str) -> bool:
        seen.append(url)
        host, _, path = url.removeprefix("http://").partition("/")
        ask(host, f"/{path}")
        return True

    opens(monkeypatch, visit)
    open_secret_page(SECRET)

    assert seen[0].startswith("http://127.0.0.1:")
    assert len(seen[0].rpartition("/")[2]) >= 16


def test_without_a_browser_it_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, lambda _: False)

    for attempt in (open_page, open_secret_page):
        with pytest.raises(OperationFailed) as caught:
            attempt(SECRET)
        assert (caught.value.code, bool(caught.value.hint)) == ("browser_missing", True)
        assert "4711" not in f"{caught.value.message} {caught.value.hint}"


def test_one_that_never_comes_is_not_waited_for_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    opens(monkeypatch, lambda _: True)

    with pytest.raises(OperationFailed, match=r"within 0\.2 s") as caught:
        open_secret_page(SECRET, 0.2)

    assert "--signed" in (caught.value.hint or "")
