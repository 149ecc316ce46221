"""Host ports: free ones in random order, checked with real sockets."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from os2cli.host.ports import candidate_ports, is_free, loopback_addresses

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_PORT = range(10000, 11000)


@contextmanager
def listening(address: str, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    """Listen as another program would; yield the port."""
    with socket.socket(family) as server:
        server.bind((address, 0))
        server.listen()
        yield server.getsockname()[1]


class TestFree:
    @pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
    def test_a_port_on_which_something_listens_is_not(self, address: str) -> None:
        with listening(address) as port:
            assert not is_free(port)

        assert is_free(port)

    @pytest.mark.parametrize("address", ["::1", "::"])
    def test_another_user_on_ipv6_alone_takes_it(self, address: str) -> None:
        if "::1" not in loopback_addresses():
            pytest.skip("this host has no IPv6")
        with socket.socket(socket.AF_INET6) as server:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            server.bind((address, 0))
            server.listen()
            port = server.getsockname()[1]

            assert not is_free(port)

        assert is_free(port)

    def test_nor_is_one_that_is_taken_on_every_address_of_both_families(self) -> None:
        if not socket.has_dualstack_ipv6():
            pytest.skip("this host has no IPv6")
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
            assert not is_free(server.getsockname()[1])

    def test_a_port_with_lingering_connections_is_free(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            client = socket.create_connection(("127.0.0.1", port))
            accepted, _ = server.accept()
            # Who closes first is left with the port in TIME_WAIT.
            accepted.close()
            client.close()

        assert is_free(port)

    def test_looking_does_not_take_it(self) -> None:
        with listening("127.0.0.1") as port:
            pass

        assert [is_free(port), is_free(port)] == [True, True]


class TestCandidates:
    def test_they_are_in_the_range_and_none_comes_twice(self) -> None:
        found = list(candidate_ports([]))

        assert set(found) <= set(EVERY_PORT)
        assert len(set(found)) == len(found) > 0

    def test_taken_ones_are_left_out(self) -> None:
        taken = set(EVERY_PORT) - {10000, 10500, 10999}

        assert set(candidate_ports(taken)) <= {10000, 10500, 10999}

    def test_both_ends_of_the_range_are_used(self) -> None:
        found = set(candidate_ports([]))

        assert {p for p in (10000, 10999) if is_free(p)} <= found

    def test_when_all_are_taken_there_is_none(self) -> None:
        assert list(candidate_ports(EVERY_PORT)) == []

    def test_the_order_comes_from_chance(self) -> None:
        first, second = (list(islice(candidate_ports([]), 20)) for _ in range(2))

        assert first != second
        assert first != sorted(first)

    def test_one_on_which_something_listens_by_now_is_left_out(self) -> None:
        port = next(candidate_ports([]))
        candidates = candidate_ports(set(EVERY_PORT) - {port})

        with socket.create_server(("127.0.0.1", port)):
            assert list(candidates) == []
