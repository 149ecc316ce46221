"""Free host ports, chosen by os2 so that a machine keeps its port over stop and start."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator

FIRST_PORT = 10000
LAST_PORT = 10999


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


def is_free(port: int) -> bool:
    """Return whether nothing listens on the port, on loopback or on all addresses."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0")):  # noqa: S104
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Lingering connections of an earlier machine do no harm.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
