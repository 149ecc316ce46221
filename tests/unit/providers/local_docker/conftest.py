"""An engine's API without an engine, and os2's connection to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from tests.engine_stub import EngineStub, engine_stub


@pytest.fixture
def stub() -> Iterator[EngineStub]:
    with engine_stub() as running:
        yield running


@pytest.fixture
def engine(stub: EngineStub) -> Iterator[Engine]:
    connected = Engine(Endpoint(stub.url, "the test"))
    yield connected
    connected.client.close()
