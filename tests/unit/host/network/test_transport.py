"""Real requests through real proxies, and without one to this computer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from urllib.parse import quote

import httpx
import pytest

from os2cli.core.deadline import within
from os2cli.host.network.transport import AsyncTransport, ProxyFailed, Transport
from tests.certificates import Authority, TlsFront
from tests.proxies import (
    PASSWORD,
    USER,
    Dripping,
    HttpProxy,
    Silent,
    SocksProxy,
    closed_port,
)
from tests.serving import ConnectionServer, serving_forever
from tests.unit.host.network.conftest import Hello

timeout_seconds = 5.0
NAME = "api.example.test"
LOGIN = f"{USER}:{quote(PASSWORD, '')}@"
Get = Callable[[str], httpx.Response]


def get(url: str) -> httpx.Response:
    with (
        within(timeout_seconds),
        httpx.Client(transport=Transport(), trust_env=False, timeout=timeout_seconds) as client,
    ):
        return client.get(url)


def get_async(url: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = AsyncTransport(httpx.Limits(max_connections=2))
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, timeout=timeout_seconds
        ) as client:
            return await client.get(url)

    return asyncio.run(ask())


@pytest.fixture(params=[get, get_async], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Get:
    """A request of each kind of client."""
    chosen: Get = request.param
    return chosen


@pytest.fixture
def front(web: int, authority: Authority) -> Iterator[int]:
    """The port of the web server behind TLS."""
    with TlsFront(authority.server(NAME, "app.localhost", "other.test"), web) as server:
        yield server.port


@pytest.fixture(params=["http", "http login", "socks5", "socks5h", "socks5 login"])
def proxy(
    request: pytest.FixtureRequest, front: int, web: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HttpProxy | SocksProxy]:
    """A proxy of each kind, which alone knows the names."""
    scheme, _, login = request.param.partition(" ")
    kind = HttpProxy if scheme == "http" else SocksProxy
    hosts = {NAME: front, "wrong.test": front, "plain.test": web}
    with kind(hosts, login=bool(login)) as server:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{LOGIN if login else ''}{server.address}")
        yield server


class TestProxy:
    def test_a_request_goes_through_it(self, ask: Get, proxy: HttpProxy) -> None:
        assert ask(f"https://{NAME}/x").text == NAME
        assert ask("http://plain.test:81/x").text == "plain.test:81"
        assert proxy.asked == [f"{NAME}:443", "plain.test:81"]

    def test_a_host_that_needs_none_is_reached_without(
        self, ask: Get, proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_PROXY", "fd00::/8,.test")

        with pytest.raises(httpx.ConnectError):
            ask(f"https://{NAME}/x")
        assert proxy.asked == []

    @pytest.mark.usefixtures("proxy")
    def test_a_certificate_behind_it_is_not_its_fault(self, ask: Get) -> None:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            ask("https://wrong.test/")
        assert not isinstance(caught.value, ProxyFailed)

    def test_what_it_cannot_reach_is_reported_as_its_answer(
        self, ask: Get, proxy: HttpProxy
    ) -> None:
        with pytest.raises(ProxyFailed, match=f"the proxy {proxy.address}"):
            ask("https://nobody.test/")


# A header, a record of TLS and the name in a reply of SOCKS.
ENDLESS = {
    "http": (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
    "https": (b"\x16\x03\x03\x40\x00", b"\x02"),
    "socks5": (b"\x05\x02\x01\x00\x05\x00\x00\x03\xff", b"x"),
}


@pytest.mark.parametrize("scheme", ["http", "https", "socks5"])
class TestNoProxyThere:
    def test_whose_port_is_closed(
        self, scheme: str, ask: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port = closed_port()
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{LOGIN}127.0.0.1:{port}")

        failed(ask, f"the proxy 127.0.0.1:{port} (HTTPS_PROXY): ")

    def test_whose_name_is_unknown(
        self, scheme: str, ask: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{LOGIN}proxy.invalid:3128")

        failed(ask, "the proxy proxy.invalid:3128 (HTTPS_PROXY): ")

    def test_that_is_silent(self, scheme: str, ask: Get, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("os2cli.host.network.relay.CONNECT_SECONDS", 0.5)
        monkeypatch.setitem(globals(), "timeout_seconds", 1.0)
        with Silent() as server:
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{LOGIN}127.0.0.1:{server.port}")

            failed(ask, f"the proxy 127.0.0.1:{server.port} (HTTPS_PROXY): timed out")

    def test_that_never_ends_its_answer(self, scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("os2cli.host.network.relay.CONNECT_SECONDS", 0.5)
        monkeypatch.setitem(globals(), "timeout_seconds", 1.0)
        with Dripping(*ENDLESS[scheme]) as server:
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{LOGIN}127.0.0.1:{server.port}")

            failed(get, f"the proxy 127.0.0.1:{server.port} (HTTPS_PROXY): timed out")

    def test_that_speaks_something_else(
        self, scheme: str, ask: Get, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Other(ConnectionServer):
            def handle(self, connection: socket.socket) -> None:
                connection.recv(100)
                connection.sendall(b"220 mail.test ESMTP\r\n")

        with Other() as server:
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{LOGIN}127.0.0.1:{server.port}")

            failed(ask, f"the proxy 127.0.0.1:{server.port} (HTTPS_PROXY): ")


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
@pytest.mark.parametrize("login", ["", "jo:hush-wrong@"])
def test_a_login_that_it_rejects_is_reported(
    kind: type[HttpProxy | SocksProxy], login: str, ask: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = "http" if kind is HttpProxy else "socks5"
    with kind({}, login=True) as server:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{login}{server.address}")
        for url in ("https://api.test/", "http://api.test/"):
            error = failed(ask, f"the proxy {server.address} (ALL_PROXY): ", url)
            assert error.login is True
            assert ("rejects its user name" if login else "requires a login") in str(error)


def failed(ask: Get, beginning: str, url: str = f"https://{NAME}/") -> ProxyFailed:
    """Return the error of a proxy, which holds no password."""
    with pytest.raises(ProxyFailed) as caught:
        ask(url)
    assert str(caught.value).startswith(beginning)
    assert "hush" not in str(caught.value)
    return caught.value


def test_a_server_that_never_ends_its_greeting(ask: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "timeout_seconds", 1.0)
    with Dripping(*ENDLESS["https"]) as server, pytest.raises(httpx.ConnectTimeout):
        ask(f"https://127.0.0.1:{server.port}/")


class TestLoopback:
    @pytest.fixture(autouse=True)
    def bad_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A proxy at which nothing listens, for everything."""
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port()}")

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "proxy.localhost", "A.b.LocalHost"])
    def test_no_proxy_and_no_resolver_is_asked(self, host: str, ask: Get, web: int) -> None:
        assert ask(f"http://{host}:{web}/x").text == f"{host.lower()}:{web}"

    def test_its_name_is_the_one_in_the_certificate(self, ask: Get, front: int) -> None:
        assert ask(f"https://app.localhost:{front}/").text == f"app.localhost:{front}"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(f"https://wrong.localhost:{front}/")

    def test_a_server_on_ipv6_alone_is_reached(self, ask: Get) -> None:
        class Server6(ThreadingHTTPServer):
            address_family = socket.AF_INET6

        server = Server6(("::1", 0), Hello)
        with serving_forever(server):
            port = server.server_port
            assert ask(f"http://app.localhost:{port}/").text == f"app.localhost:{port}"

    def test_a_closed_port_is_reported(self, ask: Get) -> None:
        with pytest.raises(httpx.ConnectError):
            ask(f"http://app.localhost:{closed_port()}/")
