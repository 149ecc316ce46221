"""Which URLs from elsewhere a browser, a link or a page may get."""

from __future__ import annotations

import re
import shlex
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import OperationFailed
from os2cli.host.browser import open_page
from os2cli.host.secret_page import open_secret_page
from os2cli.host.web import is_openable

GOOD = (
    "http://localhost:10001",
    "https://3000-abc.proxy.daytona.work",
    "http://[::1]:3000/",
    "https://h.example/a/b.html?token=a-b_c&x=1,2#part",
    "HTTPS://H.example",
    "http://1.2.3.4/%20",
)
BAD = (
    "",
    "-",
    "--utility-cmd-prefix=touch x",
    "-http://h",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/html,x",
    "about:blank",
    "http://",
    "http:///x",
    "http://:80",
    "http:h",
    "//h/x",
    "h.example",
    " http://h",
    "http://h ",
    "http://h/ x",
    "http://h/\n",
    "http://h/\x1b]0;t\x07",
    "http://h/\u202e",
    "http://me@h",
    "http://me:pw@h",
    "http://h.example@evil.example",
    "http://@h",
    "http://h\\@evil.example",
    "http://h/$(touch x)",
    "http://h/`x`",
    "http://h/;x",
    "http://h/'x",
    'http://h/"x',
    "http://h/<x>",
    "http://h/|x",
    "http://h:port",
    "http://h:70000",
    "http://[::1",
    "http://" + "h" * 64 + ".x",
    "ftp://h",
    "http://é.example",
    "http://h/\x00",
    "ws://h",
    "chrome://settings",
    "http\n://h",
    "ht\ttp://h",
)


@pytest.mark.parametrize("url", GOOD)
def test_web_addresses_are_opened(url: str) -> None:
    assert is_openable(url)


@pytest.mark.parametrize("url", BAD)
def test_others_reach_no_browser(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    for attempt in (open_page, partial(open_secret_page, home=tmp_path, state=tmp_path)):
        with pytest.raises(OperationFailed) as caught:
            attempt(url)
        assert caught.value.code == "address_unsafe"
    assert opened == []


SPECIAL = st.sampled_from(
    [
        "http",
        "https",
        ":",
        "/",
        "//",
        "@",
        "\\",
        "-",
        "?",
        "#",
        "h.example",
        " ",
        "\n",
        "$(x)",
        "'",
        '"',
        "%",
        "[",
        "]",
        "\x1b",
        "javascript:",
        "\u2028",
    ]
)


@given(st.lists(SPECIAL | st.text(max_size=3), max_size=8).map("".join))
def test_what_is_opened_is_one_word_with_a_host_and_no_user(url: str) -> None:
    if is_openable(url):
        parts = urlsplit(url)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert parts.username is None
        assert re.match("https?://[^/]", url, re.IGNORECASE)
        assert url.isascii()
        assert url.isprintable()
        assert shlex.split(url, comments=False) == [url]
