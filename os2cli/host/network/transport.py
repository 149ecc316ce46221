"""httpx's connections to all hosts: each request takes the proxy that its URL takes, or none."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from os2cli.core.notices import NOTICES, Notices
from os2cli.host.network.deadlines import keep_deadline
from os2cli.host.network.proxies import Proxies, Proxy
from os2cli.host.network.relay import FAILED, LOGIN_REJECTED
from os2cli.host.network.routes import http_proxy_url
from os2cli.host.network.tls import certificates
from os2cli.host.web import needs_no_resolver

_LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")


class ProxyFailed(httpx.ProxyError):
    """The proxy, and not the host behind it, does not answer or rejects; nothing was sent.

    ``login`` tells that it requires another login than it got.
    """

    def __init__(self, proxy: Proxy, reason: str, *, login: bool = False) -> None:
        super().__init__(f"{proxy}: {reason}")
        self.proxy = proxy
        self.login = login


@dataclass
class _Way:
    """How far one request has come: httpx's errors do not tell whose connection failed."""

    proxy: Proxy
    secure: bool
    open: bool = field(default=False, init=False)
    connecting: bool = field(default=False, init=False)

    def saw(self, event: str) -> None:
        """Take note of an event of httpcore."""
        if event == "connection.connect_tcp.started":
            self.connecting = True
        # The first event after the proxy has answered, or has been reached.
        wanted = "proxy.start_tls.started" if self.secure else "connection.connect_tcp.complete"
        if event == wanted:
            self.open = True

    async def saw_async(self, event: str, _: Any) -> None:
        """Take note of an event, for an asynchronous connection."""
        self.saw(event)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raise ``ProxyFailed`` for what fails before the proxy has opened the way."""
        try:
            yield
        except httpx.ProxyError as error:
            raise self.failure(str(error)) from error
        except (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError) as error:
            if self.open or not self.connecting:
                raise
            late = isinstance(error, httpx.TimeoutException)
            raise ProxyFailed(self.proxy, "timed out" if late else str(error)) from error

    def failure(self, answer: str) -> ProxyFailed:
        """Return the error for what a proxy answered, such as ``502 Bad Gateway``."""
        status, _, reason = answer.partition(" ")
        if status == str(LOGIN_REJECTED):
            rejects = (
                "rejects its user name and password" if self.proxy.user else "requires a login"
            )
            return ProxyFailed(self.proxy, rejects, login=True)
        return ProxyFailed(self.proxy, reason if status == str(FAILED) else f"answered {answer}")


class _Routes:
    """What both kinds of connections share."""

    def __init__(self, tls: ssl.SSLContext | None = None, notices: Notices = NOTICES) -> None:
        self.tls = tls or certificates(notices)
        self.proxies = Proxies.of_process(notices)

    def options(self, proxy: Proxy | None) -> dict[str, Any]:
        """Return the arguments of an ``HTTPTransport``."""
        if proxy is None:
            return {"verify": self.tls, "trust_env": False}
        tls = self.tls if proxy.scheme == "https" else None
        through = httpx.Proxy(http_proxy_url(proxy), ssl_context=tls)
        return {"verify": self.tls, "trust_env": False, "proxy": through}


class Transport(httpx.BaseTransport):
    """Connections of a synchronous client; ``tls`` is for one that trusts differently."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._routes = _Routes(tls)
        self._open: dict[Proxy | None, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response; ``ProxyFailed`` if a proxy is to blame."""
        proxy = self._routes.proxies.for_url(str(request.url))
        transport = self._through(proxy)
        if proxy is None:
            return self._direct(transport, request)
        way = _way(proxy, request)
        request.extensions = {**request.extensions, "trace": lambda name, _: way.saw(name)}
        with way.explained():
            response = transport.handle_request(request)
        if response.status_code == LOGIN_REJECTED:
            response.close()
            raise way.failure(str(LOGIN_REJECTED))
        return response

    def close(self) -> None:
        """Close all connections."""
        for transport in self._open.values():
            transport.close()

    def _through(self, proxy: Proxy | None) -> httpx.HTTPTransport:
        if proxy not in self._open:
            # Of two threads that come here at once, both use the first one's.
            transport = keep_deadline(httpx.HTTPTransport(**self._routes.options(proxy)))
            self._open.setdefault(proxy, transport)
        return self._open[proxy]

    def _direct(self, transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        first, *others = _resolved(request)
        try:
            return transport.handle_request(first)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            for other in others:
                with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                    return transport.handle_request(other)
            raise


class AsyncTransport(httpx.AsyncBaseTransport):
    """Connections of an asynchronous client; ``notices`` hears of variables that cannot be used."""

    def __init__(self, limits: httpx.Limits, notices: Notices = NOTICES) -> None:
        self._limits = limits
        self._routes = _Routes(notices=notices)
        self._open: dict[Proxy | None, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response; ``ProxyFailed`` if a proxy is to blame."""
        proxy = self._routes.proxies.for_url(str(request.url))
        if proxy not in self._open:
            options = {**self._routes.options(proxy), "limits": self._limits}
            self._open[proxy] = httpx.AsyncHTTPTransport(**options)
        transport = self._open[proxy]
        if proxy is None:
            return await self._direct(transport, request)
        way = _way(proxy, request)
        request.extensions = {**request.extensions, "trace": way.saw_async}
        with way.explained():
            response = await transport.handle_async_request(request)
        if response.status_code == LOGIN_REJECTED:
            await response.aclose()
            raise way.failure(str(LOGIN_REJECTED))
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._open.values():
            await transport.aclose()

    async def _direct(
        self, transport: httpx.AsyncHTTPTransport, request: httpx.Request
    ) -> httpx.Response:
        first, *others = _resolved(request)
        try:
            return await transport.handle_async_request(first)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            for other in others:
                with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                    return await transport.handle_async_request(other)
            raise


def _way(proxy: Proxy, request: httpx.Request) -> _Way:
    return _Way(proxy, request.url.scheme == "https")


def _resolved(request: httpx.Request) -> list[httpx.Request]:
    """Return the request to each address of its host, if that is a name below ``localhost``.

    The request, its ``Host`` header and the name in the server's certificate stay the same.
    """
    host = request.url.host
    if not needs_no_resolver(host):
        return [request]
    return [
        httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host.removesuffix(".")},
        )
        for address in _LOOPBACK_ADDRESSES
    ]
