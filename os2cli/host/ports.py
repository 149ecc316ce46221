"""Host ports: a free one is chosen by us, so that a machine keeps it over stop and start."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Iterator

FIRST_PORT = 10000
LAST_PORT = 10999


def candidate_ports(taken: Iterable[int], rng: random.Random | None = None) -> Iterator[int]:
    """Ports that look free, in an order that differs between calls.

    ``taken`` are those that containers hold or will want back. Several creates at once start at
    different places, and so rarely meet; who loses the race for a port tries the next.
    """
    rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
    reserved = set(taken)
    ports = [port for port in range(FIRST_PORT, LAST_PORT + 1) if port not in reserved]
    rng.shuffle(ports)
    return (port for port in ports if is_free(port))


def is_free(port: int) -> bool:
    """Whether nothing on this host listens on the port, on loopback or on every address."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0")):  # noqa: S104
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Connections of an earlier machine may linger on the port; they are in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
