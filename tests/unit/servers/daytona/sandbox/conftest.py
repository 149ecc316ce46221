"""A server without an engine, with one sandbox that runs."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Timing


@pytest.fixture
def server(timing: Timing) -> Iterator[DaytonaServer]:
    """Return a server with a snapshot, whose scripts and answers must be right to the end."""
    with DaytonaServer(timing=timing) as server:
        server.add_snapshot("base")
        yield server
    assert server.violations == []


@pytest.fixture
def api(api: httpx.Client) -> httpx.Client:
    """Return a client of a server on which a sandbox called ``one`` runs."""
    api.post("/sandbox", json={"name": "one", "snapshot": "base"}).raise_for_status()
    return api


@pytest.fixture
def toolbox(server: DaytonaServer, api: httpx.Client) -> str:
    """Return the URL of the sandbox's toolbox."""
    return f"{server.origin}/toolbox/{server.sandbox('one').id}"
