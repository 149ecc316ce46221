"""Which hosts ``NO_PROXY`` covers, as curl decides it."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.host.network.no_proxy import NoProxy

# NO_PROXY, a host, and whether curl 7.86 and newer leave the proxy out for it.
AS_CURL = [
    ("example.com", "example.com", True),
    ("example.com", "api.example.com", True),
    ("example.com", "nonexample.com", False),
    ("example.com", "example.com.evil.test", False),
    (".example.com", "example.com", True),
    (".example.com", "api.example.com", True),
    (".example.com", "nonexample.com", False),
    ("example.com.", "api.example.com", True),
    ("example.com", "example.com.", True),
    ("EXAMPLE.com", "Api.Example.COM", True),
    ("api.example.com", "example.com", False),
    ("a.test,example.com", "example.com", True),
    ("a.test, example.com", "example.com", True),
    (" a.test ,\texample.com ", "example.com", True),
    (",,example.com,", "example.com", True),
    ("*", "example.com", True),
    ("*", "10.1.2.3", True),
    ("*", "2001:db8::1", True),
    ("", "example.com", False),
    (",", "example.com", False),
    (".", "example.com", False),
    ("com", "example.com", True),
    ("10.1.2.3", "10.1.2.3", True),
    ("10.1.2.3", "10.1.2.4", False),
    ("10.0.0.0/8", "10.1.2.3", True),
    ("10.1.2.3/8", "10.9.9.9", True),
    ("10.0.0.0/8", "11.0.0.1", False),
    ("192.168.0.0/17", "192.168.127.255", True),
    ("192.168.0.0/17", "192.168.128.0", False),
    ("10.1.2.3/32", "10.1.2.3", True),
    ("10.1.2.3/32", "10.1.2.2", False),
    ("0.0.10.in-addr.arpa", "10.0.0.1", False),
    ("2001:db8::1", "2001:db8::1", True),
    ("2001:DB8:0::1", "2001:db8::1", True),
    ("2001:db8::1", "2001:db8::2", False),
    ("2001:db8::/32", "2001:db8:ffff::1", True),
    ("2001:db8::/32", "2001:db9::1", False),
    ("fd07:b51a:cc66:f0::/64", "fd07:b51a:cc66:f0::9", True),
    ("fe80::/10", "fe80::1", True),
    ("fd00::/8,example.com", "example.com", True),
    ("10.0.0.0/8", "example.com", False),
    ("example.com", "10.0.0.1", False),
]
BEYOND_CURL = [
    ("[2001:db8::1]", "2001:db8::1", 443, True),
    ("[2001:db8::1]", "2001:db8::2", 443, False),
    ("[2001:db8::1]:8443", "2001:db8::1", 8443, True),
    ("[2001:db8::1]:8443", "2001:db8::1", 443, False),
    ("[2001:db8::]/32", "2001:db8::1", 443, False),
    ("example.com:8443", "example.com", 8443, True),
    ("example.com:8443", "api.example.com", 8443, True),
    ("example.com:8443", "example.com", 443, False),
    ("10.1.2.3:8080", "10.1.2.3", 8080, True),
    ("10.1.2.3:8080", "10.1.2.3", 80, False),
    ("*.example.com", "api.example.com", 443, True),
    ("*.example.com", "nonexample.com", 443, False),
    ("a.test,*", "example.com", 443, True),
    ("a.test example.com", "example.com", 443, True),
    ("0.0.0.0/0", "10.1.2.3", 443, True),
    ("::/0", "2001:db8::1", 443, True),
    ("fe80::1%eth0", "fe80::1", 443, True),
    ("fe80::1", "fe80::1%25eth0", 443, True),
    ("bücher.example", "xn--bcher-kva.example", 443, True),
    ("xn--bcher-kva.example", "bücher.example", 443, True),
    ("my_host", "my_host", 443, True),
]
# What names no host in any reading.
IGNORED = [
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0/8",
    "10.0.0.256",
    "192.168",
    "10.",
    "fd00::/129",
    "fd00:::/8",
    "[::1",
    "::1]",
    "[example.com]",
    "[]",
    "http://example.com",
    "example.com/path",
    "a..b",
    "192.168.*",
    "exa*mple.com",
    "user@example.com",
    "example.com:port",
    "$HOST",
    "<local>",
]


@pytest.mark.parametrize(("value", "host", "covered"), AS_CURL)
def test_hosts_are_covered_as_by_curl(value: str, host: str, covered: bool) -> None:
    rules = NoProxy.parse(value)

    assert rules.covers(host, 443) is covered
    assert rules.ignored == ()


@pytest.mark.parametrize(("value", "host", "port", "covered"), BEYOND_CURL)
def test_what_other_programs_read_counts_too(
    value: str, host: str, port: int, covered: bool
) -> None:
    assert NoProxy.parse(value).covers(host, port) is covered


@pytest.mark.parametrize("word", IGNORED)
def test_what_names_no_host_is_left_out_alone(word: str) -> None:
    rules = NoProxy.parse(f"a.test,{word},10.0.0.0/8")

    assert rules.ignored == (word,)
    assert rules.covers("a.test", 443)
    assert rules.covers("10.1.2.3", 443)
    assert not rules.covers("example.com", 443)


@given(st.text(alphabet="abz019.:/[]*,- %\tü_", max_size=40), st.sampled_from(["a.b", "::1"]))
def test_any_text_can_be_parsed(value: str, host: str) -> None:
    NoProxy.parse(value).covers(host, 443)


_ADDRESSES = st.ip_addresses()


@given(_ADDRESSES, st.integers(0, 128), _ADDRESSES)
def test_a_range_covers_what_is_in_it(
    base: ipaddress.IPv4Address | ipaddress.IPv6Address,
    bits: int,
    host: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    bits = min(bits, base.max_prefixlen)
    network = ipaddress.ip_network(f"{base}/{bits}", strict=False)
    rules = NoProxy.parse(f"x.test, {base}/{bits}")

    assert rules.covers(str(host), 443) is (host in network)
    assert rules.covers(str(base), 443)


_LABELS = st.text("abc", min_size=1, max_size=3)
_NAMES = st.lists(_LABELS, min_size=1, max_size=3).map(".".join)


@given(_NAMES, _NAMES, st.sampled_from(["", "."]), st.booleans())
def test_a_domain_covers_itself_and_what_is_below(
    domain: str, host: str, dot: str, upper: bool
) -> None:
    value = f"{dot}{domain}".upper() if upper else f"{dot}{domain}"

    below = host == domain or host.endswith(f".{domain}")
    assert NoProxy.parse(value).covers(host, 443) is below
