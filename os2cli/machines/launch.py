"""Use case: create machines from the newest snapshot of a stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.defaults import ACTIVATION_SECONDS
from os2cli.core.errors import Os2Error
from os2cli.core.models import Machine, MachineSpec
from os2cli.core.progress import SILENT, Progress
from os2cli.core.stage import Stage
from os2cli.machines.create import create_machines
from os2cli.machines.provider import MachineProvider
from os2cli.snapshots.activation import activate
from os2cli.snapshots.building import SnapshotStore
from os2cli.snapshots.cache import SnapshotCache
from os2cli.snapshots.resolution import Resolution, Verdict, resolve_cached

_STALE = ("snapshot_not_found", "snapshot_inactive")


@dataclass(frozen=True, slots=True)
class Launcher:
    """Creates machines on ``machines`` from snapshots in ``store``.

    ``cache`` holds resolutions of ``account``; ``use_cache`` False bypasses it.
    """

    machines: MachineProvider
    store: SnapshotStore
    cache: SnapshotCache
    account: str
    use_cache: bool = True
    clock: Clock = REAL_TIME

    def create(
        self,
        specs: Sequence[MachineSpec],
        stage: Stage,
        *,
        wait_seconds: float | None,
        progress: Progress = SILENT,
    ) -> list[Machine]:
        """Create machines from one snapshot, all or none; an empty name is the stage's newest.

        A stale cache entry is dropped and resolved again, and an inactive snapshot is activated:
        each once.
        """

        def create_from(snapshot: str) -> list[Machine]:
            return create_machines(
                self.machines,
                [replace(spec, snapshot=snapshot) for spec in specs],
                wait_seconds=wait_seconds,
                progress=progress,
                clock=self.clock,
            )

        if specs[0].snapshot:
            return self._from_named(specs[0].snapshot, create_from, progress)
        with progress.phase("resolve"):
            resolution = self._resolve(stage, progress, use_cache=self.use_cache)
        snapshot = self._usable(resolution, progress)
        try:
            return create_from(snapshot)
        except Os2Error as error:
            if error.code not in _STALE:
                raise
            self.cache.drop(self.account, stage.prefix)
        progress.notice(f"{snapshot} is no longer usable: looking for the newest again")
        with progress.phase("resolve"):
            resolution = self._resolve(stage, progress, use_cache=False)
        return create_from(self._usable(resolution, progress))

    def _resolve(self, stage: Stage, progress: Progress, *, use_cache: bool) -> Resolution:
        resolution = resolve_cached(
            self.store, stage, self.cache, self.account, use_cache=use_cache
        )
        report_newer(resolution, progress)
        return resolution

    def _usable(self, resolution: Resolution, progress: Progress) -> str:
        inactive = resolution.newest_inactive
        if inactive is None:
            return resolution.required()
        return activate(
            self.store,
            inactive,
            wait_seconds=ACTIVATION_SECONDS,
            progress=progress,
            clock=self.clock,
        ).name

    def _from_named(
        self, name: str, create_from: Callable[[str], list[Machine]], progress: Progress
    ) -> list[Machine]:
        try:
            return create_from(name)
        except Os2Error as error:
            if error.code != "snapshot_inactive":
                raise
        activate(
            self.store,
            self.store.get(name),
            wait_seconds=ACTIVATION_SECONDS,
            progress=progress,
            clock=self.clock,
        )
        return create_from(name)


def report_newer(resolution: Resolution, progress: Progress) -> None:
    """Report newer snapshots that are not used because they are not active."""
    if resolution.name is None:
        return
    for candidate in resolution.newer:
        reason = candidate.snapshot.reason
        why = candidate.verdict.value
        if candidate.verdict is Verdict.FAILED and reason:
            why = f"{why} ({reason})"
        progress.notice(f"{candidate.snapshot.name} is newer but not used: {why}")
