"""Logins in addresses are hidden, with any characters in them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from os2cli.core.errors import OperationFailed
from os2cli.core.redaction import HIDDEN, mask_address, mask_userinfo, masking

SECRET = "s3cr3tpassw0rd"
SCHEMES = st.sampled_from(["http", "https", "ssh", "tcp", "socks5h", "unix", "npipe"])
MESSY = st.text(
    st.characters(exclude_characters="\n") | st.sampled_from("@:/?# %&'\"\\"), max_size=6
)
NEAT = st.text(st.sampled_from("@:?#%&'\"\\ab0é"), max_size=6)


@given(SCHEMES, MESSY, MESSY, st.sampled_from(["host", "host:22/x", "[::1]:80", "h/a?b=c"]))
def test_an_addresss_login_is_hidden(scheme: str, before: str, after: str, host: str) -> None:
    for prefix in (f"{scheme}://", f"{scheme}://user:", "user:"):
        address = f"{prefix}{before}{SECRET}{after}@{host}"
        assert SECRET not in mask_address(address), address


@given(SCHEMES, MESSY)
@example("http", "@")  # Python before 3.11.5
def test_an_addresss_query_is_hidden(scheme: str, value: str) -> None:
    for mark in "?#":
        shown = mask_address(f"{scheme}://host/path{mark}token={value}{SECRET}")
        assert SECRET not in shown
        assert shown.startswith(f"{scheme}://host/path{mark}") or "@" in value


@given(SCHEMES, NEAT, NEAT)
def test_a_login_in_a_message_is_hidden(scheme: str, before: str, after: str) -> None:
    address = f"{scheme}://user:{before}{SECRET}{after}@host:22/x"
    for message in (f"cannot reach {address}: refused", f"({address})", f"'{address}' x@y"):
        assert SECRET not in mask_userinfo(message)
        error = OperationFailed(message, log_tail=(message,))
        assert SECRET not in f"{error.message}{error}{error.log_tail}"


@pytest.mark.parametrize(
    "text",
    [
        "me@example.com",
        "https://h.example/x",
        "unix:///var/run/docker.sock",
        "tcp://127.0.0.1:2375",
        "https://registry.example:443/@scope/package",
        "https://registry.example/@scope/package",
        "at a@b: c",
        "iterate-sandbox:local",
        "a:b",
        "image@sha256:00",
    ],
)
def test_what_holds_none_stays(text: str) -> None:
    assert mask_userinfo(text) == text
    if "@scope" not in text and "at " not in text:
        assert mask_address(text) == text


def test_what_is_left_of_one_is_its_host() -> None:
    assert mask_address("ssh://u:pw@h:22") == f"ssh://{HIDDEN}@h:22"
    assert mask_address("u:pw@h:3128") == f"{HIDDEN}@h:3128"
    assert mask_address("https://h/api?key=1") == f"https://h/api?{HIDDEN}"


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=3, max_size=40)


@given(PRINTABLE, PRINTABLE)
def test_a_secret_of_one_line_is_hidden_in_any_line(secret: str, around: str) -> None:
    mask = masking([f" {secret}\n".encode()])

    assert secret not in mask(f"{around} {secret} {around}").replace(HIDDEN, "")
    assert mask(secret) == HIDDEN


@pytest.mark.parametrize(
    ("file", "printed"),
    [
        ("//registry.example/:_authToken=npm_Abc123def456\n", "npm_Abc123def456"),
        ("A=1\nPASSWORD='correct horse'\n", "correct horse"),
        ("machine x login y password s3cret-w0rd\n", "s3cret-w0rd"),
        ('{\n  "token": "abcd1234efgh"\n}\n', "abcd1234efgh"),
        ("-----BEGIN KEY-----\nMIIabc\nshort\n-----END KEY-----\n", "short"),
    ],
)
def test_what_a_program_takes_from_a_secret_file_is_hidden(file: str, printed: str) -> None:
    assert masking([file.encode()])(f"using {printed} now") == f"using {HIDDEN} now"


@pytest.mark.parametrize("secret", [b"", b"\n", b"{\n}\n", b"1"])
def test_what_could_be_anything_is_not_hidden(secret: bytes) -> None:
    line = '{"step": [1/2]} done'

    assert masking([secret])(line) == line
