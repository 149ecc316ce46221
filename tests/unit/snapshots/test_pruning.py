"""Which images and snapshots may go: a table, and what holds for any of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.models import DAYTONA, LOCAL_DOCKER, SnapshotState
from os2cli.snapshots.catalog import CatalogItem
from os2cli.snapshots.pruning import IN_FLIGHT, PruningRules, Verdict, plan_pruning

NOW = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
ACTIVE, INACTIVE, FAILED = SnapshotState.ACTIVE, SnapshotState.INACTIVE, SnapshotState.FAILED


def item(
    name: str, days: float = 0.0, state: SnapshotState = ACTIVE, **more: object
) -> CatalogItem:
    values: dict[str, object] = {"type": DAYTONA, "stage": "stg", **more}
    created = NOW - timedelta(days=days)
    return CatalogItem(id=f"id-{name}", name=name, state=state, created=created, **values)  # type: ignore[arg-type]


def goes(*items: CatalogItem, used: tuple[str, ...] = (), **rules: object) -> list[str]:
    plan = plan_pruning(items, {f"id-{name}" for name in used}, NOW, PruningRules(**rules))  # type: ignore[arg-type]
    return sorted(verdict.item.name for verdict in plan if verdict.goes)


FIVE = [item(name, days) for days, name in enumerate("abcde")]


def test_the_newest_stay_and_the_others_go() -> None:
    assert goes(*FIVE) == ["d", "e"]
    assert goes(*FIVE, keep=1) == ["b", "c", "d", "e"]
    assert goes(*FIVE, keep=9) == []


def test_the_newest_stays_although_none_is_to_be_kept() -> None:
    assert goes(*FIVE, keep=0) == ["b", "c", "d", "e"]


def test_the_newest_active_one_stays_behind_newer_inactive_ones() -> None:
    items = [item("x", 0, INACTIVE), item("y", 1, INACTIVE), item("z", 2)]

    assert goes(*items, keep=0) == ["x", "y"]


def test_without_an_active_one_the_newest_inactive_one_stays() -> None:
    assert goes(item("x", 1, INACTIVE), item("y", 2, INACTIVE), keep=0) == ["y"]


def test_what_is_younger_stays() -> None:
    assert goes(*FIVE, keep=0, older_than=timedelta(days=2)) == ["d", "e"]


@pytest.mark.parametrize("state", [*IN_FLIGHT, SnapshotState.REMOVING, SnapshotState.UNKNOWN])
def test_what_is_under_way_or_unknown_stays(state: SnapshotState) -> None:
    assert goes(item("new"), item("old", 99, state), keep=0) == []


def test_what_machines_were_made_from_stays() -> None:
    assert goes(*FIVE, keep=0, used=("c", "e")) == ["b", "d"]


def test_what_new_machines_are_made_from_stays() -> None:
    images = [item(name, days, type=LOCAL_DOCKER, stage=None) for days, name in enumerate("abcd")]

    assert goes(*images, keep=0, current=("d",)) == ["b", "c"]


def test_failed_ones_go_after_a_day_or_when_they_are_old_enough() -> None:
    items = [item("new"), item("today", 0.5, FAILED), item("old", 1.5, FAILED)]

    assert goes(*items) == ["old"]
    assert goes(*items, older_than=timedelta(hours=1)) == ["old", "today"]
    assert goes(*items, older_than=timedelta(days=30)) == []


def test_failed_ones_are_not_counted_among_those_that_are_kept() -> None:
    items = [*(item(f"f{n}", 0, FAILED) for n in range(5)), *FIVE]

    assert goes(*items, keep=4) == ["e"]


def test_images_that_lost_their_names_go_at_any_age_and_take_no_place() -> None:
    left = [item(f"u{n}", 0, type=LOCAL_DOCKER, stage=None, untagged=True) for n in range(3)]
    named = item("a", 5, type=LOCAL_DOCKER, stage=None)

    assert goes(*left, named, keep=1) == ["u0", "u1", "u2"]
    assert goes(*left, named, used=("u1",)) == ["u0", "u2"]


def test_stages_and_types_are_kept_apart() -> None:
    others = [item("p", 50, stage="prd"), item("l", 60, type=LOCAL_DOCKER, stage=None)]

    assert goes(*FIVE, *others, keep=1) == ["b", "c", "d", "e"]


def test_each_verdict_says_why() -> None:
    plan = plan_pruning([*FIVE, item("f", 9, FAILED)], {"id-d"}, NOW, PruningRules())

    assert [(v.item.name, v.goes, v.reason) for v in plan] == [
        ("a", False, "the newest usable one"),
        ("b", False, "among the 3 newest"),
        ("c", False, "among the 3 newest"),
        ("d", False, "machines were created from it"),
        ("e", True, "beyond the 3 newest"),
        ("f", True, "failed longer than 1 d ago"),
    ]


ITEMS = st.lists(
    st.builds(
        item,
        name=st.text("abcdefgh", min_size=3, max_size=8),
        days=st.floats(0, 40),
        state=st.sampled_from(SnapshotState),
        stage=st.sampled_from(["stg", "prd", None]),
        type=st.sampled_from([DAYTONA, LOCAL_DOCKER]),
        untagged=st.booleans(),
    ),
    unique_by=lambda found: found.name,
    max_size=12,
)
AGES = st.none() | st.timedeltas(timedelta(), timedelta(days=40))


@given(ITEMS, st.sets(st.integers(0, 11)), st.integers(0, 5), AGES)
def test_what_is_needed_always_stays(
    items: list[CatalogItem], used_places: set[int], keep: int, older_than: timedelta | None
) -> None:
    used = {items[place].id for place in used_places if place < len(items)}

    plan = plan_pruning(items, used, NOW, PruningRules(keep, older_than))
    going = [verdict.item for verdict in plan if verdict.goes]

    assert sorted(verdict.item.name for verdict in plan) == sorted(i.name for i in items)
    assert not any(i.state in (*IN_FLIGHT, SnapshotState.REMOVING) for i in going)
    assert not {i.id for i in going} & used
    if older_than is not None:
        assert all(NOW - i.created > older_than for i in going)
    for newest in newest_active(items):
        assert newest not in going


@given(ITEMS, st.integers(0, 5), AGES)
def test_keeping_more_removes_no_more(
    items: list[CatalogItem], keep: int, older_than: timedelta | None
) -> None:
    def removed(rules: PruningRules) -> set[str]:
        return {v.item.name for v in plan_pruning(items, (), NOW, rules) if v.goes}

    assert removed(PruningRules(keep + 1, older_than)) <= removed(PruningRules(keep, older_than))


@given(ITEMS, st.integers(0, 5))
def test_pruning_twice_removes_nothing_more(items: list[CatalogItem], keep: int) -> None:
    def plan(found: list[CatalogItem]) -> list[Verdict]:
        return list(plan_pruning(found, (), NOW, PruningRules(keep)))

    left = [verdict.item for verdict in plan(items) if not verdict.goes]

    assert not any(verdict.goes for verdict in plan(left))


def newest_active(items: list[CatalogItem]) -> list[CatalogItem]:
    """Of each stage, those that nothing active is newer than."""
    newest: dict[object, CatalogItem] = {}
    for found in items:
        if found.state is ACTIVE and not found.untagged:
            known = newest.get((found.type, found.stage), found)
            newest[found.type, found.stage] = max(known, found, key=lambda i: (i.created, i.name))
    return list(newest.values())
