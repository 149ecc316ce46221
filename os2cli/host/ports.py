"""Free host ports, chosen by os2 so that a machine keeps its port over stop and start."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator

FIRST_PORT = 10000
LAST_PORT = 10999
# For each family: all of its addresses, and loopback.
_FAMILIES = (("0.0.0.0", "127.0.0.1"), ("::", "::1"))  # noqa: S104


def candidate_ports(taken: Iterable[int]) -> Iterator[int]:
    """Return ports that look free, in random order.

    ``taken`` are ports of existing machines. Concurrent creates rarely try the same port; the one
    that loses the race tries the next.
    """
    reserved = set(taken)
    ports = [port for port in range(FIRST_PORT, LAST_PORT + 1) if port not in reserved]
    # Every command loads this module: `random` would cost it 5 ms.
    ports.sort(key=lambda _: os.urandom(4))
    return (port for port in ports if is_free(port))


def loopback_addresses() -> tuple[str, ...]:
    """Return the loopback addresses of this host: IPv6's only where it is on."""
    return tuple(loopback for _, loopback in _FAMILIES if _can_bind(loopback, 0))


def is_free(port: int) -> bool:
    """Return whether nothing listens on the port, on loopback or on all addresses.

    Of both families: a program on ``[::1]`` would get the requests for ``localhost``.
    """
    return all(
        _can_bind(loopback, port) and _can_bind(every, port)
        for every, loopback in _FAMILIES
        if _can_bind(loopback, 0)
    )


def _can_bind(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Lingering connections of an earlier machine do no harm.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
    except OSError:
        return False
    return True
