"""os2 in an empty directory, without an engine."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests.cli.scenes import SIGNALS, Stage
from tests.command import Os2, base_environment
from tests.daytona_server import DaytonaServer, Timing
from tests.engine_stub import EngineStub, engine_stub, repository_of
from tests.posthog_server import PostHogServer


@pytest.fixture
def os2(tmp_path: Path) -> Os2:
    """The CLI with an engine address at which nothing listens."""
    folder = tmp_path / "work"
    folder.mkdir()
    env = base_environment(tmp_path / "home") | {"DOCKER_HOST": "tcp://127.0.0.1:1"}
    return Os2(folder, env)


@pytest.fixture
def daytona() -> Iterator[DaytonaServer]:
    """Daytona, whose sandboxes are records; every response must fit the API's specification."""
    # Every state occurs, but none lasts: a test that checks a state slows it down.
    timing = Timing(pending=0.01, build=0.05, create_block=1, boot=0.02, delete=0)
    with DaytonaServer(timing=timing) as server:
        yield server
    assert server.violations == []


@pytest.fixture
def cloud(os2: Os2, daytona: DaytonaServer) -> Os2:
    """The CLI in staging, with a key and without an engine."""
    return Os2(
        os2.folder,
        {
            **os2.env,
            "APP_STAGE": "stg",
            "DAYTONA_API_URL": daytona.url,
            "DAYTONA_API_KEY": daytona.api_key,
        },
    )


@pytest.fixture
def engine(os2: Os2) -> Iterator[EngineStub]:
    """The HTTP API of a Docker engine, without an engine; its image is of the test's directory."""
    with engine_stub() as stub:
        stub.repository = partial(repository_of, os2.folder, Path(os2.env["HOME"]))
        yield stub


@pytest.fixture
def both(cloud: Os2, engine: EngineStub) -> Os2:
    """The CLI in a checkout, with an engine and with Daytona."""
    (cloud.folder / "sandbox").mkdir()
    (cloud.folder / "sandbox/Dockerfile").write_text("FROM scratch\n")
    return Os2(cloud.folder, {**cloud.env, "DOCKER_HOST": engine.url})


@pytest.fixture
def published(daytona: DaytonaServer) -> None:
    """Staging has a snapshot."""
    created = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
    daytona.add_snapshot("stg--20260111-193045", created=created)


@pytest.fixture
def theatre(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Stage]:
    """The stage for scenes; signal handlers are restored afterwards."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield Stage(tmp_path, monkeypatch, capfd)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def posthog() -> Iterator[PostHogServer]:
    """A PostHog that takes events."""
    with PostHogServer() as server:
        yield server
