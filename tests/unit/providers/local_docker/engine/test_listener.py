"""Whose process listens on the TCP API decides whether os2 uses it."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from os2cli.core.errors import NotAuthorised, Unreachable
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.connection import connect
from os2cli.providers.local_docker.engine.endpoint import DEFAULT_TCP
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.listener import (
    check_listener,
    is_forwarded,
    listening_users,
)
from tests.engine_stub import engine_stub
from tests.serving import HOST, listening_as

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux names the listener")
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root becomes another user"
)
STRANGER = 65534


def guessed(port: int) -> Endpoint:
    return Endpoint(f"tcp://{HOST}:{port}", DEFAULT_TCP.origin, guessed=True)


@contextmanager
def listening(family: int, address: str, *, only: bool = True) -> Iterator[int]:
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(only))
        listener.bind((address, 0))
        listener.listen()
        yield listener.getsockname()[1]


def table(folder: Path, *rows: tuple[str, int, str, int]) -> Path:
    """Write rows as ``/proc/net/tcp`` and ``tcp6`` have them."""
    for name, digits in (("tcp", 8), ("tcp6", 32)):
        lines = ["  sl  local_address rem_address   st tx_queue rx_queue tr tm->when   uid"]
        for number, (address, port, state, user) in enumerate(rows):
            if len(address) == digits:
                rest = f"{'0' * digits}:0000 {state} 00000000:00000000 00:00000000 00000000"
                lines.append(f"{number:4}: {address}:{port:04X} {rest} {user:5} 0 4711 1 0 100")
        (folder / name).write_text("\n".join([*lines, ""]))
    return folder


class TestListeningUsers:
    @needs_linux
    @pytest.mark.parametrize(
        ("family", "address", "only", "reached"),
        [
            (socket.AF_INET, "127.0.0.1", True, True),
            (socket.AF_INET, "0.0.0.0", True, True),
            (socket.AF_INET, "127.0.0.2", True, False),
            (socket.AF_INET6, "::1", True, False),
            (socket.AF_INET6, "::ffff:127.0.0.1", False, True),
            (socket.AF_INET6, "::", False, True),
        ],
    )
    def test_real_sockets(self, family: int, address: str, only: bool, reached: bool) -> None:
        with listening(family, address, only=only) as port:
            expected = {os.geteuid()} if reached else set()
            assert listening_users(port) == expected
        assert listening_users(port) == frozenset()

    @needs_linux
    @needs_root
    def test_another_users(self) -> None:
        with listening_as(STRANGER) as port:
            assert listening_users(port) == {STRANGER}

    def test_only_what_listens_counts(self, tmp_path: Path) -> None:
        loopback = socket.inet_aton(HOST)
        word = f"{int.from_bytes(loopback, sys.byteorder):08X}"
        network = table(tmp_path, (word, 2375, "01", 7), (word, 2376, "0A", 8))
        assert listening_users(2375, network) == frozenset()
        assert listening_users(2376, network) == {8}

    def test_a_system_without_the_tables(self, tmp_path: Path) -> None:
        assert listening_users(2375, tmp_path) == frozenset()


class TestTrust:
    def test_this_users_is_used(self) -> None:
        with engine_stub() as engine:
            port = int(engine.url.rpartition(":")[2])
            if sys.platform == "linux":
                connect(guessed(port)).close()
            assert bool(engine.requests) is (sys.platform == "linux")

    @needs_linux
    @needs_root
    def test_a_strangers_gets_no_request(self) -> None:
        with listening_as(STRANGER) as port:
            with pytest.raises(NotAuthorised, match="of user nobody listens there") as caught:
                connect(guessed(port))
            named = Endpoint(f"tcp://{HOST}:{port}", "DOCKER_HOST")
            check_listener(named)
        assert caught.value.code == "engine_untrusted"
        assert str(caught.value.hint).endswith(f"--docker-host tcp://{HOST}:{port}")

    @pytest.mark.parametrize("users", [(0, STRANGER), (STRANGER, 0), (STRANGER, STRANGER)])
    def test_a_stranger_beside_root_is_one(self, tmp_path: Path, users: tuple[int, int]) -> None:
        """Nothing says which of the two a connection reaches."""
        with listening(socket.AF_INET, HOST) as port:
            words = (f"{int.from_bytes(socket.inet_aton(HOST), sys.byteorder):08X}", "0" * 32)
            rows = [(word, port, "0A", user) for word, user in zip(words, users, strict=True)]
            with pytest.raises(NotAuthorised, match="a process of user nobody listens"):
                check_listener(guessed(port), table(tmp_path, *rows))

    def test_without_the_tables_nothing_is_trusted(self, tmp_path: Path) -> None:
        with (
            listening(socket.AF_INET, HOST) as port,
            pytest.raises(NotAuthorised, match="does not report whose process"),
        ):
            check_listener(guessed(port), tmp_path)

    def test_where_nothing_listens_no_engine_is_found(self, tmp_path: Path) -> None:
        with listening(socket.AF_INET, HOST) as port:
            pass
        with pytest.raises(Unreachable, match="no Docker engine found"):
            check_listener(guessed(port), tmp_path)

    @needs_linux
    @needs_root
    def test_an_open_connection_does_not_outlive_the_trust(self) -> None:
        """A stranger who takes the port over gets no request of an engine that was trusted."""
        with engine_stub() as engine:
            port = int(engine.url.rpartition(":")[2])
            mine = Engine(guessed(port))
            with closing(mine.client) as client:
                client.version()
        before = len(engine.requests)
        os.seteuid(STRANGER)
        try:
            taken = socket.create_server((HOST, port))
        finally:
            os.seteuid(0)
        with taken, pytest.raises(NotAuthorised):
            mine.client.version()
        assert len(engine.requests) == before


def words(address: str) -> str:
    """Return an address as the tables have it: words in the host's order."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    starts = range(0, len(packed), 4)
    return "".join(f"{int.from_bytes(packed[at : at + 4], sys.byteorder):08X}" for at in starts)


class TestForwarded:
    """Whether a name of this host, which browsers resolve to ``::1`` first, leads to a machine."""

    @pytest.mark.parametrize(
        ("listeners", "forwarded"),
        [
            ([("127.0.0.1", 0), ("::1", 0)], True),
            ([("127.0.0.1", 0), ("::1", None)], True),
            ([("127.0.0.1", 0), ("::", 0)], True),
            # Before the machine's port is there.
            ([], True),
            # A virtual machine's engine that forwards IPv4 alone.
            ([("127.0.0.1", 0)], False),
            ([("0.0.0.0", 0)], False),
            ([("127.0.0.1", 0), ("::1", STRANGER)], False),
            ([("127.0.0.1", 0), ("::", STRANGER)], False),
            ([("127.0.0.1", 0), ("::", 0), ("::1", STRANGER)], False),
            ([("::1", STRANGER)], False),
        ],
    )
    def test_whose_it_is(
        self, tmp_path: Path, listeners: list[tuple[str, int | None]], forwarded: bool
    ) -> None:
        rows = [
            (words(address), 10123, "0A", os.geteuid() if user is None else user)
            for address, user in listeners
        ]
        network = table(tmp_path, *rows, (words("::1"), 10124, "0A", STRANGER))

        assert is_forwarded("::1", 10123, network) is forwarded

    def test_without_the_tables_it_is_what_answers(self, tmp_path: Path) -> None:
        with listening(socket.AF_INET, HOST) as port:
            assert not is_forwarded("::1", port, tmp_path)
        assert is_forwarded("::1", port, tmp_path)
        with listening(socket.AF_INET6, "::1") as port:
            assert is_forwarded("::1", port, tmp_path)
