"""Names below localhost: whether this host resolves them, and to what."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from os2cli.host.network import local_names
from os2cli.host.network.local_names import resolves_to

BOTH = ("127.0.0.1", "::1")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(local_names, "_LOOKUPS", local_names._Lookups())
    local_names._addresses.cache_clear()
    yield
    local_names._addresses.cache_clear()


def resolver(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    asked = []

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize(
    ("found", "listening", "is_so"),
    [
        (BOTH, BOTH, True),
        (("127.0.0.1",), BOTH, True),
        (("::1",), BOTH, True),
        ((), BOTH, False),
        # Another program may listen there.
        (BOTH, ("127.0.0.1",), False),
        (("127.0.0.2",), BOTH, False),
        (("93.184.216.34",), BOTH, False),
        (("127.0.0.1", "93.184.216.34"), BOTH, False),
    ],
)
def test_a_name_is_used_if_it_leads_to_the_machine_alone(
    monkeypatch: pytest.MonkeyPatch,
    found: tuple[str, ...],
    listening: tuple[str, ...],
    is_so: bool,
) -> None:
    resolver(monkeypatch, *found)

    assert resolves_to("dev-1.localhost", listening) is is_so


def test_a_name_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolver(monkeypatch, *BOTH)

    assert all(resolves_to("dev-1.localhost", BOTH) for _ in range(3))
    assert asked == ["dev-1.localhost"]


def test_a_hanging_resolver_holds_up_only_the_first_name(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: hanging.wait())
    began = time.monotonic()

    found = [resolves_to(f"dev-{number}.localhost", BOTH) for number in range(100)]

    hanging.set()
    assert not any(found)
    assert time.monotonic() - began < 100 * local_names.LOOKUP_SECONDS / 10
