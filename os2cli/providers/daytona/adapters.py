"""The adapters for Daytona. They load httpx and TLS, so `entry` imports them when it must."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from os2cli.core.models import SnapshotResources
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.machines import DaytonaMachines
from os2cli.providers.daytona.snapshots.catalog import DaytonaCatalog
from os2cli.providers.daytona.snapshots.preflight import check_publishing
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots
from os2cli.providers.entry import ProviderContext


@dataclass(frozen=True, eq=False)
class DaytonaAdapters:
    """What os2 does on Daytona with the API that a context names; none of it contacts it yet."""

    context: ProviderContext

    @cached_property
    def client(self) -> DaytonaClient:
        """The API."""
        return DaytonaClient(self.context.daytona)

    def machines(self, stage: str | None) -> DaytonaMachines:
        """Return the provider for the machines of a stage; None lists all and knows no names."""
        return DaytonaMachines(self.client, stage, self.context.state_dir / "daytona")

    def catalog(self) -> DaytonaCatalog:
        """Return the snapshots that os2 published, as a catalog."""
        return DaytonaCatalog(self.client)

    def snapshots(self) -> DaytonaSnapshots:
        """Return the store that snapshots are published to."""
        return DaytonaSnapshots(self.client)

    def check_publishing(self, resources: SnapshotResources) -> None:
        """Raise if the API key cannot publish, or the resources exceed a limit that is known."""
        check_publishing(self.client, resources)
