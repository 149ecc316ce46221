"""Fixtures for tests of the web UI: a running server, and a tab that shows it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.command import Os2
from tests.daytona_server import DaytonaServer, Timing
from tests.e2e.chromium import Chromium, Tab
from tests.engine import engine_endpoint, sandbox_image
from tests.ui_site import Site, serving

ENTRYPOINT = ["sh", "/opt/os2/bin/start-machine"]
SECRET = "canary-value-4711"


@pytest.fixture
def site(os2: Os2) -> Iterator[Site]:
    with serving(os2) as site:
        yield site


@pytest.fixture
def tab(chromium: Chromium, site: Site) -> Iterator[Tab]:
    """A tab on the web UI, in which no error may occur."""
    with opened(chromium, site) as tab:
        yield tab


@contextmanager
def opened(chromium: Chromium, site: Site, size: tuple[int, int] | None = None) -> Iterator[Tab]:
    with chromium.tab(*([size] if size else [])) as tab:
        tab.page.goto(site.way_in())
        assert "token" not in tab.page.url
        yield tab
        assert tab.complaints == []
        assert tab.violations() == []


@pytest.fixture
def name() -> str:
    return f"ui-{uuid.uuid4().hex[:6]}"


@pytest.fixture
def daytona() -> Iterator[DaytonaServer]:
    """Daytona, whose sandboxes are containers."""
    timing = Timing(build=0, pull=0, boot=0, create_block=0.3)
    with DaytonaServer(engine_endpoint().url, timing=timing) as server:
        yield server
        assert server.violations == []


@pytest.fixture
def cloud(os2: Os2, daytona: DaytonaServer, stage: str) -> Os2:
    snapshot = f"{stage}--20260111-193045"
    daytona.add_snapshot(snapshot, image=sandbox_image(), entrypoint=ENTRYPOINT)
    keys = {"DAYTONA_API_URL": daytona.url, "DAYTONA_API_KEY": daytona.api_key}
    return replace(os2, env={**os2.env, **keys})
