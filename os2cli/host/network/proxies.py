"""The proxies in the environment, and which of them a URL takes.

Each variable counts in lower case before upper case, and an empty one not at all, as for curl. A
value that no client can take is left out with one warning. Messages never hold a password.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies

from os2cli.core.notices import NOTICES, Notices
from os2cli.host.network.no_proxy import NoProxy
from os2cli.host.web import is_loopback

SOCKS_SCHEMES = ("socks5", "socks5h")
_DEFAULT_PORTS = {"http": 80, "https": 443, **dict.fromkeys(SOCKS_SCHEMES, 1080)}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy; ``variable`` names the setting that it comes from."""

    scheme: str
    host: str
    port: int
    variable: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """Its host and port, for messages."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Its URL with the login, for clients alone."""
        login = f"{quote(self.user, '')}:{quote(self.password, '')}@" if self.user else ""
        return f"{self.scheme}://{login}{self.address}"

    def __str__(self) -> str:
        return f"the proxy {self.address} ({self.variable})"


@dataclass(frozen=True)
class Proxies:
    """The proxies that the variables of ``environ`` name; ``notices`` hears of useless values."""

    environ: Mapping[str, str]
    notices: Notices = field(default=NOTICES, repr=False, compare=False)

    @classmethod
    def of_process(cls, notices: Notices = NOTICES) -> Proxies:
        """Return those of this process; on a Mac, else those of the system's settings."""
        names = ("http_proxy", "https_proxy", "all_proxy")
        found = any(os.environ.get(each) for name in names for each in (name, name.upper()))
        if sys.platform == "darwin" and not found:
            system = {f"{scheme}_proxy": url for scheme, url in getproxies().items()}
            exempt = {k: v for k, v in os.environ.items() if k.lower() == "no_proxy"}
            return cls({**exempt, **system}, notices)
        return cls(os.environ, notices)

    def for_url(self, url: str) -> Proxy | None:
        """Return the proxy that a request to ``url`` takes; never one for this computer."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        # WebSockets take the same proxies as the requests that they begin as.
        scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
        if not host or is_loopback(host):
            return None
        proxy = self._http if scheme == "http" else self._https
        port = parts.port or _DEFAULT_PORTS.get(scheme, 443)
        return None if proxy is None or self._no_proxy.covers(host, port) else proxy

    @cached_property
    def _http(self) -> Proxy | None:
        return self._first("http_proxy", "all_proxy")

    @cached_property
    def _https(self) -> Proxy | None:
        return self._first("https_proxy", "all_proxy")

    @cached_property
    def _no_proxy(self) -> NoProxy:
        for variable, value in _set(self.environ, ["no_proxy"]):
            rules = NoProxy.parse(value)
            if rules.ignored:
                self.notices.warn(
                    f"{variable}: ignored {', '.join(map(repr, rules.ignored))}",
                    "use hosts, domains, IP addresses and ranges such as 10.0.0.0/8",
                )
            return rules
        return NoProxy()

    def _first(self, *names: str) -> Proxy | None:
        for variable, value in _set(self.environ, names):
            proxy = _parsed(value, variable)
            if proxy is not None:
                return proxy
            self.notices.warn(
                f"{variable} is ignored: it is not the URL of an HTTP or SOCKS5 proxy",
                "write it as http://HOST:PORT; encode special characters of a password, "
                "such as %40 for @",
            )
        return None


def _set(environ: Mapping[str, str], names: Iterable[str]) -> Iterable[tuple[str, str]]:
    for name in names:
        for variable in (name, name.upper()):
            if value := environ.get(variable, "").strip():
                yield variable, value


def _parsed(value: str, variable: str) -> Proxy | None:
    try:
        parts = urlsplit(value if _SCHEME.match(value) else f"http://{value}")
        # The desktops of Linux write the protocol without its version.
        scheme = "socks5" if parts.scheme == "socks" else parts.scheme
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:
        return None
    # An @ after the host means that the host is a part of an unencoded password.
    unclear = "@" in f"{parts.path}{parts.query}{parts.fragment}" or not value.isprintable()
    if not host or " " in value or port == 0 or unclear or scheme not in _DEFAULT_PORTS:
        return None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Proxy(scheme, host, port or _DEFAULT_PORTS[scheme], variable, user, password)
