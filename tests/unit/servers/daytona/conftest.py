"""A server without an engine, with one sandbox that runs."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpx
import pytest

from tests.daytona_server import DaytonaServer, Timing

# Of no use for plain HTTP, but quick to make.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def timing() -> Timing:
    """Everything is over at once."""
    return Timing(
        pending=0, build=0, pull=0, create_block=5, boot=0, stop=0, archive=0, delete=0
    )  # fmt: skip


@pytest.fixture
def server(timing: Timing) -> Iterator[DaytonaServer]:
    """A server without an engine, whose scripts and answers must be right to the end."""
    with DaytonaServer(timing=timing) as server:
        server.add_snapshot("base")
        yield server
    assert server.violations == []


@pytest.fixture
def api(server: DaytonaServer) -> Iterator[httpx.Client]:
    """A client with the server's key, and a sandbox called ``one``."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(
        base_url=server.url, headers=headers, trust_env=False, verify=NO_CERTIFICATES
    ) as client:
        client.post("/sandbox", json={"name": "one", "snapshot": "base"}).raise_for_status()
        yield client


@pytest.fixture
def toolbox(server: DaytonaServer, api: httpx.Client) -> str:
    """Where the toolbox of the sandbox is."""
    return f"{server.origin}/toolbox/{server.sandbox('one').id}"
