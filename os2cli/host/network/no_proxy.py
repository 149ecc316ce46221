"""``NO_PROXY`` as curl reads it: hosts, domains, addresses and ranges that need no proxy.

Beyond curl, as most other programs do: a port after a host, ``*.example.com``, and ``*`` in a list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

_SEPARATOR = re.compile(r"[,\s]+")
_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
_BRACKETED = re.compile(r"\[(?P<host>[^\[\]]*)\](:(?P<port>[0-9]{1,5}))?", re.ASCII)
_WITH_PORT = re.compile(r"(?P<host>[^:]+):(?P<port>[0-9]{1,5})", re.ASCII)
_ZONE = re.compile(r"%[^/\]]*")


@dataclass(frozen=True, slots=True)
class _Entry:
    """Hosts of one kind; None as the port stands for all ports."""

    target: str | IPv4Network | IPv6Network
    port: int | None = None

    def matches(self, host: str | IPv4Address | IPv6Address, port: int) -> bool:
        """Return whether the host is one of them."""
        if self.port not in (None, port):
            return False
        if isinstance(self.target, str):
            return isinstance(host, str) and f".{host}".endswith(f".{self.target}")
        return not isinstance(host, str) and host in self.target


@dataclass(frozen=True, slots=True)
class NoProxy:
    """A parsed list; ``ignored`` are the entries that name no host."""

    everything: bool = False
    entries: tuple[_Entry, ...] = ()
    ignored: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> NoProxy:
        """Parse the value of the variable."""
        words = [word for word in _SEPARATOR.split(text) if word.strip(".")]
        parsed = [(word, _entry(word)) for word in words if word != "*"]
        return cls(
            everything="*" in words,
            entries=tuple(entry for _, entry in parsed if entry),
            ignored=tuple(word for word, entry in parsed if entry is None),
        )

    def covers(self, host: str, port: int) -> bool:
        """Return whether a host, as a URL names it without brackets, needs no proxy."""
        if self.everything:
            return True
        address = as_address(host)
        named = address if address is not None else plain_name(host)
        return any(entry.matches(named, port) for entry in self.entries)


def as_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address that a host is, without its zone; None for a name."""
    try:
        return ip_address(_ZONE.sub("", host))
    except ValueError:
        return None


def plain_name(host: str) -> str:
    """Return a host's name as DNS compares it: in lower case, in ASCII, without the last dot."""
    name = host.lower().removesuffix(".")
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


def _entry(word: str) -> _Entry | None:
    host, port = word, None
    match = _BRACKETED.fullmatch(word) or _WITH_PORT.fullmatch(word)
    if match is not None:
        host, port = match["host"], int(match["port"]) if match["port"] else None
    network = _network(host)
    if network is not None:
        return _Entry(network, port)
    name = plain_name(host.removeprefix("*").removeprefix("."))
    # An address in brackets, a range or a number that is none has been meant as one.
    meant_as_address = word.startswith("[") or re.fullmatch(r"[0-9.]+", name)
    return _Entry(name, port) if _NAME.fullmatch(name) and not meant_as_address else None


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        # As curl, which also masks the host's bits.
        return ip_network(_ZONE.sub("", text), strict=False)
    except ValueError:
        return None
