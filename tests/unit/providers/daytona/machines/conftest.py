"""A sandbox whose programs really run, on this host, behind a server that fails on request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.lifecycle import look_at
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.daytona_server import DaytonaServer, Timing


class Counting(httpx.HTTPTransport):
    """Counts the bytes of the answers' bodies."""

    received = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        stream = response.stream

        class Counted(httpx.SyncByteStream):
            def __iter__(inner) -> Iterator[bytes]:  # noqa: N805
                assert isinstance(stream, httpx.SyncByteStream)
                for data in stream:
                    self.received += len(data)
                    yield data

            def close(inner) -> None:  # noqa: N805
                assert isinstance(stream, httpx.SyncByteStream)
                stream.close()

        response.stream = Counted()
        return response


@pytest.fixture
def daytona() -> Iterator[DaytonaServer]:
    """Return a server whose sandboxes are this host's processes."""
    with DaytonaServer(timing=Timing(boot=0.01, delete=0)) as server:
        server.add_snapshot("base")
        yield server
    assert server.violations == []


@pytest.fixture
def transport() -> Counting:
    return Counting()


@pytest.fixture
def real_toolbox(daytona: DaytonaServer, transport: Counting) -> Iterator[Toolbox]:
    """Return the toolbox of a machine ``dev-1``, which runs."""
    daytona.add_sandbox("dev-1", snapshot="base")
    with toolbox_of(daytona, transport) as toolbox:
        yield toolbox


@contextmanager
def toolbox_of(daytona: DaytonaServer, transport: httpx.BaseTransport) -> Iterator[Toolbox]:
    """Return the toolbox of ``dev-1``, reached through ``transport``."""
    record = daytona.sandbox("dev-1")
    access = DaytonaAccess(daytona.url, api_key=daytona.api_key)
    with DaytonaClient(access, transport=transport) as client:
        yield Toolbox(client, look_at(client, record.id, "looking"), "dev-1")
