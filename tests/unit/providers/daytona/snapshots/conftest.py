"""Snapshots over a wire that the test decides."""

from __future__ import annotations

import pytest

from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots


@pytest.fixture
def snapshots(client: DaytonaClient) -> DaytonaSnapshots:
    return DaytonaSnapshots(client)
