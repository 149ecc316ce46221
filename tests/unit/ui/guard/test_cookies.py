"""Cookies of other programs on this host change nothing: not for pages, not for WebSockets."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from os2cli.ui.guard.cookies import cookie_values
from os2cli.ui.guard.credentials import Credentials
from os2cli.ui.wire.heads import without_foreign_cookies
from tests.unit.ui.served import Served, served

CREDENTIALS = Credentials(1234)
NAME = CREDENTIALS.cookie
SESSION = CREDENTIALS.session.encode()
OURS = f"{NAME}=".encode() + SESSION
# What programs that develop on 127.0.0.1 store, and what RFC 6265 does not allow.
FOREIGN = [
    b'{"theme":"dark","open":[1,2]}',
    b'prefs={"theme":"dark","a":"b,c"}',
    b"a-name-without-a-value",
    b"",
    b"=",
    b"=value-without-a-name",
    b"a=b=c==",
    b'quoted="a b',
    b'quoted="\\"; b="',
    b"caf\xc3\xa9=\xff\xfe",
    b"a:b/c@d(e)<f>=1",
    b"$Version=1; $Path=/",
    b"expires=Wed, 09 Jun 2027 10:18:14 GMT",
    b"a\tb=\tc",
    b"a b=c d",
    b"[]=1; {}; ()",
    b"control=\x01\x1f\x7f",
    b"separators=\x00\x0b\x0c\x85\xa0",
    b"; ".join(b"os2_ui_1234=%043d" % number for number in range(2000)),
    b"; ".join(b"os2_ui_%d=" % number + b"x" * 4000 for number in range(180)),
    b"__Host-next=1; Path; Secure; HttpOnly",
    b"os2_ui_1=another; os2_ui=older; os2_ui_12345=a-longer-port",
    f"{NAME}=a-session-that-ended".encode(),
    f"{NAME}".encode(),
    f"{NAME}=".encode(),
    f'{NAME}="'.encode(),
    f"{NAME}=caf".encode() + b"\xc3\xa9",
    f"{NAME} =x; {NAME}=y;{NAME}=z".encode(),
    b"; ".join(b"cookie_%d=%d" % (number, number) for number in range(500)),
    b"; ".join(b"cookie_%d=" % number + b"x" * 4000 for number in range(180)),
]
FIELD = st.binary(max_size=60).map(lambda text: re.sub(rb"[\n\r]", b"", text))


def headers_of(values: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", value) for value in values]


@given(st.lists(FIELD), st.lists(FIELD), st.sampled_from([b"; ", b";", b" ; ", b";  ", b", "]))
@example([b'{"a":1}'], [b'"'], b"; ")
def test_ours_is_among_any_others(
    before: list[bytes], after: list[bytes], separator: bytes
) -> None:
    joined = separator.join([*before, OURS, *after])
    apart = [*before, OURS, *after]

    assert SESSION in cookie_values(headers_of([joined]), NAME)
    assert SESSION in cookie_values(headers_of(apart), NAME)


@given(st.lists(FIELD))
def test_others_are_never_ours(others: list[bytes]) -> None:
    assert SESSION not in cookie_values(headers_of(others), NAME)


@given(st.lists(FIELD), st.lists(FIELD))
def test_a_handshake_keeps_our_cookie_and_all_other_headers(
    before: list[bytes], after: list[bytes]
) -> None:
    rest = [b"GET /x HTTP/1.1", b"host: 127.0.0.1", b"upgrade: websocket"]
    cookies = [b"Cookie: " + b"; ".join([*before, OURS]), *(b"cookie:" + text for text in after)]
    head = b"\r\n".join([*rest[:2], *cookies, *rest[2:], b"", b""])

    line, cookie, *others = without_foreign_cookies(head, CREDENTIALS).split(b"\r\n")

    assert [line, *others] == [*rest, b"", b""]
    assert cookie == b"cookie: " + OURS


@given(st.lists(FIELD), st.sampled_from([b"", b" folded; a=b", b"\tx"]))
def test_a_handshake_loses_all_other_cookies(others: list[bytes], folded: bytes) -> None:
    cookies = [b"COOKIE:" + text for text in others]
    lines = [b"GET /x HTTP/1.1", b"host: 127.0.0.1", *cookies]
    if cookies and folded:
        lines.append(folded)
    head = b"\r\n".join([*lines, b"", b""])

    assert without_foreign_cookies(head, CREDENTIALS) == b"\r\n".join([*lines[:2], b"", b""])


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests here, without an engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("work"))
        patch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        with served() as page:
            yield page


def status(page: Served, path: str, cookies: Sequence[bytes], *headers: str) -> int:
    """Send a request with these Cookie headers as they are; return the response's status."""
    port = page.credentials.port
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers]
    head = b"\r\n".join([line.encode() for line in lines] + [b"Cookie: " + c for c in cookies])
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(head + b"\r\n\r\n")
        return int(connection.recv(64).split()[1])


def arrangements(foreign: bytes, ours: bytes) -> list[list[bytes]]:
    """Return the ways in which a browser may send both."""
    return [
        [foreign + b"; " + ours],
        [ours + b"; " + foreign],
        [foreign + b" ;  " + ours + b" ; " + foreign[:100]],
        [foreign, ours],
        [ours, foreign],
    ]


@pytest.mark.parametrize("foreign", FOREIGN, ids=lambda text: repr(text[:30]))
def test_pages_and_websockets_open_beside_cookies_of_others(page: Served, foreign: bytes) -> None:
    name = page.credentials.cookie.encode()
    foreign = foreign.replace(NAME.encode(), name)
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
    socket_of = f"{page.path}/machines/local-process/dev/terminal/socket"
    origin = f"Origin: {page.credentials.origin}"
    for cookies in arrangements(foreign, page.cookie.encode()):
        assert status(page, f"{page.path}/jobs", cookies) == 200
        assert status(page, socket_of, cookies, origin, *upgrade, key) == 101
        assert status(page, f"{page.path}/?token={page.credentials.token}", cookies) == 303
    assert status(page, f"{page.path}/jobs", [foreign]) == 401
    assert status(page, socket_of, [foreign], origin, *upgrade, key) == 403
    assert status(page, f"{page.path}/?token={page.credentials.token}", [foreign]) == 303
