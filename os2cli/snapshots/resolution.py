"""Use case: resolve a stage to its newest usable snapshot, and explain the choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from os2cli.core.errors import NotFound, Os2Error, UsageError
from os2cli.core.models import Snapshot, SnapshotState
from os2cli.core.snapshot_name import SnapshotName
from os2cli.core.stage import Stage
from os2cli.snapshots.building import SnapshotStore
from os2cli.snapshots.cache import CachedSnapshot, SnapshotCache, is_kept


class Verdict(StrEnum):
    """The decision about one candidate."""

    PICKED = "picked"
    OLDER = "older"
    INACTIVE = "inactive"
    BUILDING = "building"
    FAILED = "failed"
    REMOVING = "removing"
    UNKNOWN_STATE = "unknown state"
    OTHER_STAGE = "other stage"
    NOT_A_SNAPSHOT_NAME = "not a snapshot name"
    GENERAL = "provider's own"


_UNUSABLE = {
    SnapshotState.PENDING: Verdict.BUILDING,
    SnapshotState.BUILDING: Verdict.BUILDING,
    SnapshotState.INACTIVE: Verdict.INACTIVE,
    SnapshotState.REMOVING: Verdict.REMOVING,
    SnapshotState.FAILED: Verdict.FAILED,
    SnapshotState.UNKNOWN: Verdict.UNKNOWN_STATE,
}
# Reported if newer than the picked one.
NEWER_WORTH_TELLING = (Verdict.BUILDING, Verdict.FAILED, Verdict.INACTIVE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A snapshot that the provider listed, and the verdict on it."""

    snapshot: Snapshot
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Resolution:
    """The picked snapshot, if any; ``cached``: the provider was not asked."""

    stage: Stage
    name: str | None
    id: str | None
    candidates: tuple[Candidate, ...] = ()
    cached: bool = False
    snapshot: Snapshot | None = None

    @property
    def newer(self) -> tuple[Candidate, ...]:
        """Snapshots of the stage that are newer than the picked one but not usable now."""
        picked = self.snapshot
        return tuple(
            candidate
            for candidate in self.candidates
            if candidate.verdict in NEWER_WORTH_TELLING
            and (picked is None or _age_key(candidate.snapshot) > _age_key(picked))
        )

    @property
    def newest_inactive(self) -> Snapshot | None:
        """The newest inactive snapshot, if none is active."""
        inactive = [c.snapshot for c in self.candidates if c.verdict is Verdict.INACTIVE]
        return newest_of(inactive) if self.name is None else None

    def required(self) -> str:
        """Return the picked name; raise ``NotFound`` if there is none."""
        if self.name is not None:
            return self.name
        raise no_active_snapshot_error(self)


def resolve_newest(store: SnapshotStore, stage: Stage) -> Resolution:
    """Ask the provider for the stage's newest active snapshot.

    Pages are read until one contains a match, or to the last one if the provider does not keep to
    its order.
    """
    candidates = _candidates(store.newest_first(stage.prefix), stage)
    usable = [c.snapshot for c in candidates if c.verdict is Verdict.PICKED]
    picked = newest_of(usable)
    judged = tuple(
        replace(c, verdict=Verdict.OLDER)
        if c.verdict is Verdict.PICKED and c.snapshot is not picked
        else c
        for c in candidates
    )
    return Resolution(
        stage,
        picked.name if picked else None,
        picked.id if picked else None,
        judged,
        snapshot=picked,
    )


def resolve_cached(
    store: SnapshotStore, stage: Stage, cache: SnapshotCache, account: str, *, use_cache: bool
) -> Resolution:
    """Return the stage's newest active snapshot, from the cache if it has a live entry."""
    cacheable = is_kept(stage)
    if use_cache and cacheable and (entry := cache.get(account, stage.prefix)) is not None:
        return Resolution(stage, entry.name, entry.id, cached=True)
    resolution = resolve_newest(store, stage)
    picked = resolution.snapshot
    if picked is not None and cacheable:
        cache.put(account, stage.prefix, CachedSnapshot(picked.name, picked.id))
    elif cacheable:
        cache.drop(account, stage.prefix)
    return resolution


def no_active_snapshot_error(resolution: Resolution) -> Os2Error:
    """Return the failure for a stage without a usable snapshot."""
    stage = resolution.stage.name
    what, hint = "", f"publish one: os2 snapshot daytona --stage {stage}"
    building = newest_of(c.snapshot for c in resolution.newer if c.verdict is Verdict.BUILDING)
    if building is not None:
        what = f" yet; {building.name} is being built"
        hint = f"wait for it: os2 snapshot wait {building.name}"
    elif (inactive := resolution.newest_inactive) is not None:
        what = f"; {inactive.name} was deactivated because it was unused"
        hint = f"a new machine activates it: os2 machine create --type daytona --stage {stage}"
    return NotFound(
        f"stage {stage} has no active snapshot{what}", hint=hint, code="snapshot_not_found"
    )


def newest_of(snapshots: Iterable[Snapshot]) -> Snapshot | None:
    """Return the newest snapshot by the provider's time, then by name."""
    return max(snapshots, key=_age_key, default=None)


def _candidates(pages: Iterable[list[Snapshot]], stage: Stage) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    last: Snapshot | None = None
    in_order = True
    for page in pages:
        for snapshot in page:
            # Rows shift between pages while others publish; the last answer for a row counts.
            again = snapshot.id in found
            found[snapshot.id] = Candidate(snapshot, _judge(snapshot, stage))
            if not again and not snapshot.general:
                in_order = in_order and (last is None or snapshot.created <= last.created)
                last = snapshot
        if in_order and any(c.verdict is Verdict.PICKED for c in found.values()):
            break
    return list(found.values())


def _judge(snapshot: Snapshot, stage: Stage) -> Verdict:
    if snapshot.general:
        return Verdict.GENERAL
    try:
        name = SnapshotName.parse(snapshot.name)
    except UsageError:
        return Verdict.NOT_A_SNAPSHOT_NAME
    if name.stage != stage.name:
        return Verdict.OTHER_STAGE
    return _UNUSABLE.get(snapshot.state, Verdict.PICKED)


def _age_key(snapshot: Snapshot) -> tuple[float, str]:
    return snapshot.created.timestamp(), snapshot.name
