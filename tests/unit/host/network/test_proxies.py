"""Which proxy a URL takes, from the variables in all their spellings."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from os2cli.host.network.proxies import Proxies
from tests.unit.host.network.conftest import Heard

HTTPS, HTTP = "https://api.example.com/x", "http://api.example.com/x"
UNUSABLE = [
    "ftp://proxy.test:1",
    "socks4://proxy.test:1080",
    "http://",
    "http://:3128",
    "http://proxy.test:bad",
    "http://proxy.test:0",
    "http://proxy.test:99999",
    "http://[::1",
    "http://pro xy:3128",
    "http://proxy..test:3128",
    "http://jo:hush/secret@proxy.test:3128",
    "http://jo:hush#secret@proxy.test:3128",
    "http://jo:12/secret@proxy.test:3128",
    "http://jo:hush?secret@proxy.test:3128",
    "http://proxy.test\x07:3128",
    "://hush",
    "localhost:http",
]


def taken(url: str, **variables: str) -> tuple[str, str, str] | None:
    """Return the scheme, the address and the variable of the proxy."""
    proxy = Proxies(variables).for_url(url)
    return None if proxy is None else (proxy.scheme, proxy.address, proxy.variable)


@pytest.mark.parametrize(
    ("value", "scheme", "address"),
    [
        ("http://proxy.test:3128", "http", "proxy.test:3128"),
        ("proxy.test:3128", "http", "proxy.test:3128"),
        ("proxy.test", "http", "proxy.test:80"),
        ("HTTP://Proxy.Test:3128/", "http", "proxy.test:3128"),
        ("https://proxy.test", "https", "proxy.test:443"),
        ("socks5://proxy.test", "socks5", "proxy.test:1080"),
        ("socks5h://proxy.test:9", "socks5h", "proxy.test:9"),
        ("socks://proxy.test:9/", "socks5", "proxy.test:9"),
        ("http://[::1]:3128", "http", "[::1]:3128"),
        ("  http://proxy.test:3128 ", "http", "proxy.test:3128"),
        ("http://jo:p@ss@proxy.test:3128", "http", "proxy.test:3128"),
    ],
)
def test_a_proxy_is_read(value: str, scheme: str, address: str, warnings: Heard) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        assert taken(HTTPS, **{name: value}) == (scheme, address, name)
    for name in ("http_proxy", "HTTP_PROXY"):
        assert taken(HTTP, **{name: value}) == (scheme, address, name)
        assert taken(HTTPS, **{name: value}) is None
    assert warnings == []


def test_variables_count_in_order_and_never_when_empty() -> None:
    names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    values = {name: f"http://{name.replace('_', '-')}.test" for name in names}
    for name in names:
        found = taken(HTTPS, **values)
        assert found is not None
        assert found[2] == name
        values[name] = ""
    assert taken(HTTPS, **values) is None


@pytest.mark.parametrize("url", ["ws://api.example.com", "wss://api.example.com"])
def test_web_sockets_take_the_proxy_of_their_scheme(url: str) -> None:
    found = taken(url, http_proxy="http://plain.test", https_proxy="http://secure.test")

    assert found is not None
    assert found[1] == ("secure.test:80" if url.startswith("wss") else "plain.test:80")


@pytest.mark.parametrize("value", UNUSABLE)
def test_what_no_client_can_take_is_left_out_with_one_warning(value: str, warnings: Heard) -> None:
    proxies = Proxies({"HTTPS_PROXY": value, "ALL_PROXY": "http://good.test:1"})

    for _ in range(3):
        proxy = proxies.for_url(HTTPS)
        assert proxy is not None
        assert proxy.address == "good.test:1"
        proxies = Proxies(proxies.environ)

    ((text, hint),) = warnings
    assert "HTTPS_PROXY" in text
    assert hint
    assert not any(word in f"{text}{hint}" for word in ("hush", "secret"))


@pytest.mark.parametrize("value", UNUSABLE)
def test_it_does_no_harm_beside_a_good_one(value: str, warnings: Heard) -> None:
    assert taken(HTTPS, HTTPS_PROXY="http://good.test:1", ALL_PROXY=value) == (
        "http",
        "good.test:1",
        "HTTPS_PROXY",
    )
    assert warnings == []


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "app.localhost",
        "a.b.localhost",
        "127.0.0.1",
        "127.9.8.7",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https", "ws", "wss"])
def test_this_computer_is_never_behind_a_proxy(scheme: str, host: str) -> None:
    variables = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://proxy.test")

    assert taken(f"{scheme}://{host}:8080/x", **variables) is None


def test_no_proxy_is_read_from_one_variable_alone(warnings: Heard) -> None:
    values = {"https_proxy": "http://proxy.test", "NO_PROXY": "api.example.com,10.0.0.0/99,a/b"}

    assert taken(HTTPS, **values) is None
    assert taken("https://other.test", **values) is not None
    assert taken(HTTPS, **values, no_proxy="other.test") is not None
    assert taken(HTTPS, **values, no_proxy="") is None
    ((text, _),) = warnings
    assert text == "NO_PROXY: ignored '10.0.0.0/99', 'a/b'"


def test_a_port_of_no_proxy_is_the_url_s() -> None:
    values = {"all_proxy": "http://proxy.test", "no_proxy": "api.example.com:443"}

    assert taken(HTTPS, **values) is None
    assert taken(HTTP, **values) is not None
    assert taken("http://api.example.com:443/", **values) is None


@given(st.text(max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_can_be_a_value(warnings: Heard, value: str) -> None:
    Proxies({"HTTPS_PROXY": value, "NO_PROXY": value}).for_url(HTTPS)


@given(st.text(min_size=1, max_size=12), st.text(max_size=12))
def test_a_login_reaches_clients_and_no_message(user: str, password: str) -> None:
    value = f"http://{quote(user, '')}:{quote(password, '')}@proxy.test:3128"
    proxy = Proxies({"HTTPS_PROXY": value}).for_url(HTTPS)

    assert proxy is not None
    parts = urlsplit(proxy.url)
    assert (unquote(parts.username or ""), unquote(parts.password or "")) == (user, password)
    assert f"{proxy}" == "the proxy proxy.test:3128 (HTTPS_PROXY)"
    assert quote(f":{password}@") not in repr(proxy)
