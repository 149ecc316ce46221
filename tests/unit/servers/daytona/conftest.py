"""A server without an engine, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Timing
from tests.unit.servers.daytona.calls import CLIENT_SECONDS, NAME, NO_CERTIFICATES


@pytest.fixture
def timing() -> Timing:
    """Everything is over at once; tests raise what they look at."""
    return Timing(
        pending=0, build=0, pull=0, create_block=5, boot=0, stop=0, archive=0, delete=0
    )  # fmt: skip


@pytest.fixture
def server(timing: Timing) -> Iterator[DaytonaServer]:
    """Return a server without an engine."""
    with DaytonaServer(timing=timing) as server:
        yield server


@pytest.fixture
def api(server: DaytonaServer) -> Iterator[httpx.Client]:
    """Return a client with the server's key."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(
        base_url=server.url,
        headers=headers,
        timeout=CLIENT_SECONDS,
        trust_env=False,
        verify=NO_CERTIFICATES,
    ) as client:
        yield client


@pytest.fixture
def snapshot(server: DaytonaServer) -> str:
    """Return the name of an active snapshot."""
    server.add_snapshot(NAME)
    return NAME
