"""Names below ``localhost``, which some systems resolve to loopback and others do not know."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from functools import lru_cache, partial
from typing import Any

from os2cli.host.interrupts import BackgroundCall

# A system that asks an unreachable DNS server takes much longer; then no name is asked again.
LOOKUP_SECONDS = 0.5
_KNOWN_NAMES = 1024


_Resolver = Callable[..., Any]


class _Lookups:
    """Asks the system for names, until it is too slow once."""

    def __init__(self) -> None:
        self.too_slow = False

    def addresses(self, host: str, resolver: _Resolver) -> frozenset[str]:
        if self.too_slow:
            return frozenset()
        call = BackgroundCall(partial(resolver, host, None, type=socket.SOCK_STREAM))
        found = call.result_within(LOOKUP_SECONDS)
        self.too_slow = not call.ended
        return frozenset(str(each[4][0]) for each in found or ())


_LOOKUPS = _Lookups()


@lru_cache(_KNOWN_NAMES)
def _addresses(host: str, resolver: _Resolver) -> frozenset[str]:
    return _LOOKUPS.addresses(host, resolver)


def resolves(host: str) -> bool:
    """Return whether this host resolves a name in time."""
    return bool(_addresses(host, socket.getaddrinfo))


def resolves_to(host: str, addresses: Collection[str]) -> bool:
    """Return whether this host resolves a name, and to none but these addresses."""
    found = _addresses(host, socket.getaddrinfo)
    return bool(found) and found <= set(addresses)
