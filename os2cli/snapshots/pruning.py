"""Which images and snapshots to prune: rules over plain values, the first that applies decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from os2cli.core.models import SnapshotState
from os2cli.snapshots.catalog import CatalogItem

DEFAULT_KEEP = 3
FAILED_STAY = timedelta(days=1)
IN_FLIGHT = (SnapshotState.PENDING, SnapshotState.BUILDING)
_USABLE = (SnapshotState.ACTIVE, SnapshotState.INACTIVE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an item goes, and the rule that decided it."""

    item: CatalogItem
    goes: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PruningRules:
    """What to keep.

    Of each stage the ``keep`` newest usable items stay, and with ``older_than`` all younger ones.
    ``current`` are the names that new machines are created from, ``next_base`` is the name of what
    the next build begins with.
    """

    keep: int = DEFAULT_KEEP
    older_than: timedelta | None = None
    current: Collection[str] = ()
    next_base: str | None = None


def plan_pruning(
    items: Iterable[CatalogItem], used: Collection[str], now: datetime, rules: PruningRules
) -> tuple[Verdict, ...]:
    """Decide about each item, newest first; ``used`` are the ids of items with machines."""
    groups: dict[tuple[str, str | None], list[CatalogItem]] = {}
    for item in items:
        groups.setdefault((item.type, item.stage), []).append(item)
    verdicts: list[Verdict] = []
    for group in groups.values():
        verdicts += _judge_stage(newest_first(group), used, now, rules)
    return tuple(sorted(verdicts, key=lambda v: age_key(v.item), reverse=True))


def newest_first(items: Iterable[CatalogItem]) -> list[CatalogItem]:
    """Sort items by the provider's time, then by name."""
    return sorted(items, key=age_key, reverse=True)


def age_key(item: CatalogItem) -> tuple[float, str]:
    """Return the sort key for an item's age."""
    return item.created.timestamp(), item.name


def _judge_stage(
    items: Sequence[CatalogItem], used: Collection[str], now: datetime, rules: PruningRules
) -> list[Verdict]:
    usable = [i for i in items if i.state in _USABLE and not (i.untagged or i.left_over)]
    active = [item for item in usable if item.state is SnapshotState.ACTIVE]
    # Without an active one, a new machine activates the newest inactive one.
    newest = (active or usable)[:1]
    kept = usable[: rules.keep]
    return [_judge(item, item in newest, item in kept, used, now, rules) for item in items]


def _judge(
    item: CatalogItem,
    newest: bool,
    kept: bool,
    used: Collection[str],
    now: datetime,
    rules: PruningRules,
) -> Verdict:
    state, age = item.state, now - item.created
    failed = state is SnapshotState.FAILED
    failed_stay = FAILED_STAY if rules.older_than is None else rules.older_than
    young = rules.older_than is not None and age <= rules.older_than
    stays, goes = False, True
    table = (
        (state is SnapshotState.REMOVING, stays, "is being removed already"),
        (state in IN_FLIGHT, stays, "is being built"),
        (state is SnapshotState.UNKNOWN, stays, "is in an unknown state"),
        (item.is_base and item.name == rules.next_base, stays, "the next build begins with it"),
        (item.is_base, goes, "no image is built on it"),
        (item.left_over, goes, "left by an interrupted push"),
        (item.id in used, stays, "machines were created from it"),
        (item.name in rules.current, stays, "new machines are created from it"),
        (newest, stays, "the newest usable one"),
        (failed and age <= failed_stay, stays, f"failed within {_span(failed_stay)}"),
        (failed, goes, f"failed longer than {_span(failed_stay)} ago"),
        (young, stays, f"younger than {_span(rules.older_than)}"),
        (item.untagged, goes, "untagged"),
        (kept, stays, f"among the {rules.keep} newest"),
        (True, goes, f"beyond the {rules.keep} newest" if rules.keep else "not the newest"),
    )
    _, verdict, reason = next(rule for rule in table if rule[0])
    return Verdict(item, verdict, reason)


def _span(time: timedelta | None) -> str:
    minutes = round((time or timedelta()).total_seconds() / 60)
    for unit, length in (("d", 24 * 60), ("h", 60)):
        if minutes and minutes % length == 0:
            return f"{minutes // length} {unit}"
    return f"{minutes} min"
