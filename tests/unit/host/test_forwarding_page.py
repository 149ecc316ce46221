"""The page on disk that takes a browser to an address with a secret."""

from __future__ import annotations

import html
import os
import re
import stat
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import OperationFailed
from os2cli.host import forwarding_page as module
from os2cli.host.forwarding_page import PAGE_SECONDS, forwarding_page, posting_page

HTML = posting_page("http://127.0.0.1:1/x/sign-in", {"token": "4711"})


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host without snaps and without a runtime directory."""
    monkeypatch.setattr(module, "SNAPS", tmp_path / "no-snaps")
    monkeypatch.setattr(module, "RUNTIME", tmp_path / "no-runtime")
    (tmp_path / "home").mkdir(exist_ok=True)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def shown(tmp_path: Path):  # type: ignore[no-untyped-def]
    return forwarding_page(HTML, tmp_path / "home", tmp_path / "state")


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_only_its_user_reads_it_under_any_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with shown(tmp_path) as page:
            assert (mode(page.path), mode(page.path.parent)) == (0o600, 0o700)
            assert page.path.read_text() == HTML
    finally:
        os.umask(before)
    assert not page.path.parent.exists()


def test_a_directory_that_others_could_enter_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "state/pages"
    folder.mkdir(parents=True)
    folder.chmod(0o777)

    with shown(tmp_path) as page:
        assert page.path.parent == folder
        assert mode(folder) == 0o700


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "state/pages").symlink_to(elsewhere)

    with pytest.raises(OperationFailed, match="cannot write a page"), shown(tmp_path):
        pass

    assert list(elsewhere.iterdir()) == []


def test_snaps_get_a_directory_that_they_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SNAPS", tmp_path)
    with shown(tmp_path) as page:
        assert page.path.parent == tmp_path / "home/os2-pages"
    assert not (tmp_path / "home/os2-pages").exists()


def test_the_runtime_directory_comes_before_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RUNTIME", tmp_path)
    (tmp_path / str(os.getuid())).mkdir()
    with shown(tmp_path) as page:
        assert page.path.parent == tmp_path / str(os.getuid()) / "os2"


def test_what_killed_processes_left_is_removed_and_what_is_in_use_stays(tmp_path: Path) -> None:
    folder = tmp_path / "state/pages"
    folder.mkdir(parents=True)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = folder / f"open-{ended.pid}-a.html"
    old = folder / f"open-{os.getpid()}-b.html"
    used = folder / f"open-{os.getpid()}-c.html"
    others = folder / "notes.html"
    for path in (left, old, used, others):
        path.write_text("")
    os.utime(old, (time.time() - 2 * PAGE_SECONDS,) * 2)

    with shown(tmp_path):
        assert {path for path in (left, old, used, others) if path.exists()} == {used, others}


@pytest.mark.parametrize("answer", [False, webbrowser.Error()])
def test_a_missing_browser_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    def visit(url: str) -> bool:
        assert url.startswith("file:///")
        assert "4711" not in url
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    monkeypatch.setattr("webbrowser.open", visit)
    with shown(tmp_path) as page, pytest.raises(OperationFailed) as caught:
        page.open()
    assert caught.value.code == "browser_missing"


@given(st.text(), st.text())
def test_no_value_breaks_out_of_the_form(action: str, value: str) -> None:
    text = posting_page(action, {"token": value})

    found = re.fullmatch(
        r'.*<form method="post" action="([^"<>]*)">\n'
        r'<input type="hidden" name="token" value="([^"<>]*)">\n<button>.*',
        text,
        re.DOTALL,
    )
    assert found
    assert [html.unescape(each) for each in found.groups()] == [
        html.unescape(html.escape(action)),
        html.unescape(html.escape(value)),
    ]
