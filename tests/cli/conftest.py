"""os2 in an empty folder, where no engine can be found."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.scenes import SIGNALS, Stage
from tests.command import Os2, base_environment
from tests.daytona_server import DaytonaServer, Timing
from tests.engine_stub import EngineStub, engine_stub
from tests.posthog_server import PostHogServer


@pytest.fixture
def os2(tmp_path: Path) -> Os2:
    """The command line with an engine address at which nothing listens."""
    folder = tmp_path / "work"
    folder.mkdir()
    env = base_environment(tmp_path / "home") | {"DOCKER_HOST": "tcp://127.0.0.1:1"}
    return Os2(folder, env)


@pytest.fixture
def daytona() -> Iterator[DaytonaServer]:
    """Daytona, whose sandboxes are records; no answer of it may break the API's specification."""
    # Every state is there, but none lasts: a test that looks at one lets it.
    timing = Timing(pending=0.01, build=0.05, create_block=1, boot=0.02, delete=0)
    with DaytonaServer(timing=timing) as server:
        yield server
    assert server.violations == []


@pytest.fixture
def cloud(os2: Os2, daytona: DaytonaServer) -> Os2:
    """The command line in staging, with a key and without an engine."""
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
def engine() -> Iterator[EngineStub]:
    """The wire of a Docker engine, with no engine behind it."""
    with engine_stub() as stub:
        yield stub


@pytest.fixture
def both(cloud: Os2, engine: EngineStub) -> Os2:
    """The command line in a checkout, with an engine and with Daytona."""
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
    """Where scenes are played; the handlers of signals are the test's own again afterwards."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield Stage(tmp_path, monkeypatch, capfd)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def posthog() -> Iterator[PostHogServer]:
    """A PostHog that takes events."""
    with PostHogServer() as server:
        yield server
