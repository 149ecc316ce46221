"""Whose process listens on this host's TCP API: any user may, and then gets what os2 sends."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from os2cli.core.errors import NotAuthorised
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.unreachable import explain_unreachable

NETWORK = Path("/proc/net")
_LISTEN = "0A"  # TCP_LISTEN of include/net/tcp_states.h
_CONNECT_SECONDS = 1.0


def listening_users(port: int, network: Path = NETWORK) -> frozenset[int]:
    """Return the users whose processes listen on a port of IPv4's loopback.

    Empty if there are none or the system does not say: only Linux does.
    """
    return frozenset(user for address, user in _listeners(port, network) if _is_reached(address))


def is_forwarded(address: str, port: int, network: Path = NETWORK) -> bool:
    """Return whether only the engine listens on a port at an address of IPv6's loopback.

    Engines take it as published, but not all that run in a virtual machine forward it, as they do
    on IPv4's: then any user may listen there. A system that does not say who listens is asked
    whether anything does. A port on which nothing listens yet is as good as forwarded.
    """
    if not (network / "tcp6").exists():
        return _answers(address, port) or not _answers("127.0.0.1", port)
    reached = (bytes(16), socket.inet_pton(socket.AF_INET6, address))
    users = {user for bound, user in _listeners(port, network) if bound in reached}
    return users <= {0, os.geteuid()} if users else not listening_users(port, network)


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _listeners(port: int, network: Path) -> Iterator[tuple[bytes, int]]:
    """Yield the address and the user of each socket that listens on a port, as proc(5) has them."""
    for name in ("tcp", "tcp6"):
        try:
            rows = (network / name).read_text("ascii").splitlines()[1:]
        except (OSError, UnicodeDecodeError):
            continue
        for row in rows:
            _, local, _, state, _, _, _, user, *_ = row.split()
            address, _, number = local.partition(":")
            if state == _LISTEN and int(number, 16) == port:
                yield _packed(address), int(user)


def _packed(digits: str) -> bytes:
    """Return an address in the network's order; the file has words in the host's."""
    words = (int(digits[start : start + 8], 16) for start in range(0, len(digits), 8))
    return b"".join(word.to_bytes(4, sys.byteorder) for word in words)


def _is_reached(address: bytes) -> bool:
    """Return whether a connection to 127.0.0.1 may end at a socket that is bound there."""
    mapped = bytes(10) + b"\xff\xff"
    if len(address) == 16 and address != bytes(16) and not address.startswith(mapped):
        return False
    return address[-4:] in (bytes(4), socket.inet_aton("127.0.0.1"))


def check_listener(endpoint: Endpoint, network: Path = NETWORK) -> None:
    """Raise unless a setting names the address, or only root or this user listens there.

    Raises:
        NotAuthorised: another user listens, or the system does not say who (``engine_untrusted``).
        Unreachable: nothing listens: a process that does later was not checked.
    """
    if not endpoint.guessed:
        return
    address = urlsplit(endpoint.url)
    users = listening_users(address.port or 0, network)
    if users and users <= {0, os.geteuid()}:
        return
    try:
        socket.create_connection((address.hostname, address.port), _CONNECT_SECONDS).close()
    except ConnectionRefusedError as error:
        raise explain_unreachable(endpoint, error) from error
    except OSError:
        pass  # something is there
    raise NotAuthorised(
        f"os2 does not trust the TCP API at {endpoint.url}: {_why(users)}",
        hint="start an engine: os2 doctor; "
        f"or name the address: --docker-host {shlex.quote(endpoint.url)}",
        code="engine_untrusted",
        details={"endpoint": endpoint.url, "origin": endpoint.origin},
    )


def _why(users: frozenset[int]) -> str:
    if not users:
        return "this system does not report whose process listens there"
    other = min(users - {0, os.geteuid()})
    return f"a process of user {user_name(other)} listens there"


def user_name(user: int) -> str:
    """Return a user's name, or the number of one without an account."""
    # Windows has no such module, and no users either.
    import pwd

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
