"""The networks that this host has routes to."""

from __future__ import annotations

import ipaddress
import socket
import struct
from contextlib import suppress
from pathlib import Path

# Linux only; on a Mac the engine and its networks are in a virtual machine.
_ROUTES = Path("/proc/net/route")
_EVERYWHERE = "0.0.0.0"  # noqa: S104  # a mask


def routed_networks(table: Path = _ROUTES) -> list[ipaddress.IPv4Network]:
    """Return the destinations of this host's routes, without the default route."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    networks = []
    for line in lines:
        # The kernel writes addresses as numbers in the CPU's byte order.
        with suppress(ValueError, IndexError, struct.error):
            fields = line.split()
            destination, mask = (_address(fields[column]) for column in (1, 7))
            if mask != _EVERYWHERE:
                networks.append(ipaddress.IPv4Network(f"{destination}/{mask}", strict=False))
    return networks


def _address(number: str) -> str:
    return socket.inet_ntoa(struct.pack("=I", int(number, 16)))
