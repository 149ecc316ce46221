"""Which snapshot of a stage is the newest usable one, for any listing of the provider."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from os2cli.core.errors import NotFound, Unreachable
from os2cli.core.models import Snapshot, SnapshotState
from os2cli.core.snapshot_name import SnapshotName
from os2cli.core.stage import Stage
from os2cli.snapshots.cache import CachedSnapshot, SnapshotCache
from os2cli.snapshots.resolution import Resolution, Verdict, resolve_cached, resolve_newest
from tests.contract.memory_snapshots import MemorySnapshots

NOON = datetime(2026, 1, 11, 12, 0, 0, tzinfo=UTC)
DEVELOPMENT = Stage("dev-jonas", "--stage")
STAGING = Stage("stg", "--stage")
ACCOUNT = "0123456789abcdef"
DOWN = Unreachable("the API does not answer")


def snapshot(
    minutes: int = 0,
    state: SnapshotState = SnapshotState.ACTIVE,
    *,
    stage: str = "dev-jonas",
    name: str | None = None,
    created: datetime | None = None,
    reason: str | None = None,
    general: bool = False,
) -> Snapshot:
    """Return a snapshot created ``minutes`` after noon."""
    moment = NOON + timedelta(minutes=minutes)
    name = name or str(SnapshotName(stage, moment))
    return Snapshot(f"id of {name}", name, state, created or moment, reason, general=general)


class Pages(MemorySnapshots):
    """A store that returns the given pages unchecked, and counts those read."""

    def __init__(self, *pages: Sequence[Snapshot]) -> None:
        super().__init__()
        self.pages = pages
        self.prefixes: list[str] = []

    def newest_first(self, prefix: str) -> Iterator[list[Snapshot]]:
        self.prefixes.append(prefix)
        self.listings += 1
        for page in self.pages:
            self.pages_read += 1
            yield list(page)


def resolve(*pages: Sequence[Snapshot]) -> Resolution:
    return resolve_newest(Pages(*pages), DEVELOPMENT)


def verdicts(resolution: Resolution) -> list[tuple[str, Verdict]]:
    return [(c.snapshot.name, c.verdict) for c in resolution.candidates]


class TestFilter:
    def test_the_provider_is_asked_for_the_prefix(self) -> None:
        store = Pages([])

        resolve_newest(store, DEVELOPMENT)

        assert store.prefixes == ["dev-jonas--"]

    @pytest.mark.parametrize(
        ("name", "verdict"),
        [
            ("dev-jonas2--20260111-120000", Verdict.OTHER_STAGE),
            ("my-dev-jonas--20260111-120000", Verdict.OTHER_STAGE),
            ("Dev-Jonas--20260111-120000", Verdict.OTHER_STAGE),
            ("dev-jonas--20260111-120000-old", Verdict.NOT_A_SNAPSHOT_NAME),
            ("dev-jonas--20260111-12000", Verdict.NOT_A_SNAPSHOT_NAME),
            ("dev-jonas--20260230-120000", Verdict.NOT_A_SNAPSHOT_NAME),
            ("dev-jonas--20260111-250000", Verdict.NOT_A_SNAPSHOT_NAME),
            ("dev-jonas--dev-jonas--20260111-120000", Verdict.NOT_A_SNAPSHOT_NAME),
            ("dev-jonas---20260111-120000", Verdict.NOT_A_SNAPSHOT_NAME),
            ("dev-jonas--٢٠٢٦٠١١١-١٢٠٠٠٠", Verdict.NOT_A_SNAPSHOT_NAME),
            ("dev-jonas--20260111-120000\n", Verdict.NOT_A_SNAPSHOT_NAME),
            ("dev-jonas--latest", Verdict.NOT_A_SNAPSHOT_NAME),
            ("x", Verdict.NOT_A_SNAPSHOT_NAME),
            ("", Verdict.NOT_A_SNAPSHOT_NAME),
        ],
    )
    def test_only_the_stages_own_names_count(self, name: str, verdict: Verdict) -> None:
        foreign = replace(snapshot(5), id="foreign", name=name)

        found = resolve([foreign, snapshot()])

        assert found.name == "dev-jonas--20260111-120000"
        assert verdicts(found)[0] == (name, verdict)
        assert resolve([foreign]).name is None

    @pytest.mark.parametrize(
        ("stage", "lookalike"), [("dev-a_b", "dev-a-b"), ("dev-a_b", "dev-axb"), ("dev_a", "dev-a")]
    )
    def test_an_underscore_is_not_a_wildcard(self, stage: str, lookalike: str) -> None:
        mine, other = snapshot(0, stage=stage), snapshot(5, stage=lookalike)
        store = MemorySnapshots(mine, other)
        assert other in next(store.newest_first(f"{stage}--"))

        found = resolve_newest(store, Stage(stage, "--stage"))

        assert (found.name, found.id) == (mine.name, mine.id)

    def test_the_providers_own_snapshots_never_count(self) -> None:
        found = resolve([snapshot(5, general=True), snapshot()])

        assert found.name == "dev-jonas--20260111-120000"
        assert verdicts(found)[0][1] is Verdict.GENERAL

    @pytest.mark.parametrize("state", SnapshotState)
    def test_only_an_active_one_can_be_used(self, state: SnapshotState) -> None:
        found = resolve([snapshot(5, state)])

        expected = "dev-jonas--20260111-120500" if state is SnapshotState.ACTIVE else None
        assert found.name == expected

    @pytest.mark.parametrize(
        ("state", "verdict"),
        [
            (SnapshotState.PENDING, Verdict.BUILDING),
            (SnapshotState.BUILDING, Verdict.BUILDING),
            (SnapshotState.INACTIVE, Verdict.INACTIVE),
            (SnapshotState.REMOVING, Verdict.REMOVING),
            (SnapshotState.FAILED, Verdict.FAILED),
            (SnapshotState.UNKNOWN, Verdict.UNKNOWN_STATE),
            (SnapshotState.ACTIVE, Verdict.PICKED),
        ],
    )
    def test_the_verdict_says_why(self, state: SnapshotState, verdict: Verdict) -> None:
        assert [v for _, v in verdicts(resolve([snapshot(5, state)]))] == [verdict]


class TestNewest:
    def test_the_newest_is_picked_and_the_others_are_older(self) -> None:
        found = resolve([snapshot(9), snapshot(3), snapshot(1)])

        assert verdicts(found) == [
            ("dev-jonas--20260111-120900", Verdict.PICKED),
            ("dev-jonas--20260111-120300", Verdict.OLDER),
            ("dev-jonas--20260111-120100", Verdict.OLDER),
        ]
        assert found.snapshot == snapshot(9)
        assert (found.name, found.id, found.cached) == (
            snapshot(9).name,
            snapshot(9).id,
            False,
        )

    def test_it_is_the_time_of_creation_that_counts_and_not_the_name(self) -> None:
        late = snapshot(1, created=NOON + timedelta(hours=1))

        assert resolve([snapshot(9), late]).name == late.name

    def test_of_those_of_one_moment_it_is_the_later_name(self) -> None:
        rows = [snapshot(minutes, created=NOON) for minutes in (2, 7, 4)]

        assert resolve(rows).name == "dev-jonas--20260111-120700"

    def test_nothing_is_picked_from_nothing(self) -> None:
        found = resolve([])

        assert (found.name, found.id, found.snapshot, found.candidates) == (None, None, None, ())


class TestPages:
    def test_no_page_is_read_after_the_first_that_holds_a_match(self) -> None:
        store = Pages(
            [snapshot(9, SnapshotState.BUILDING), snapshot(8, stage="dev-jonas2")],
            [snapshot(7, SnapshotState.FAILED), snapshot(6), snapshot(5)],
            [snapshot(4)],
        )

        found = resolve_newest(store, DEVELOPMENT)

        assert (found.name, store.pages_read) == ("dev-jonas--20260111-120600", 2)
        assert len(found.candidates) == 5

    def test_all_are_read_when_none_matches(self) -> None:
        store = Pages(*[[snapshot(-n, SnapshotState.INACTIVE)] for n in range(7)], [])

        assert resolve_newest(store, DEVELOPMENT).name is None
        assert store.pages_read == 8

    def test_rows_of_one_moment_are_in_order(self) -> None:
        rows = [snapshot(n, SnapshotState.FAILED, created=NOON) for n in (1, 2)]
        store = Pages([*rows, snapshot(3, created=NOON)], [snapshot(-1)])

        assert resolve_newest(store, DEVELOPMENT).name == "dev-jonas--20260111-120300"
        assert store.pages_read == 1

    def test_rows_that_are_not_sorted_let_all_pages_be_read(self) -> None:
        store = Pages([snapshot(1), snapshot(2)], [snapshot(0)], [snapshot(9)])

        assert resolve_newest(store, DEVELOPMENT).name == "dev-jonas--20260111-120900"
        assert store.pages_read == 3

    def test_pages_that_are_not_sorted_among_each_other_are_noticed(self) -> None:
        store = Pages(
            [snapshot(3, SnapshotState.BUILDING)], [snapshot(8), snapshot(7)], [snapshot(9)]
        )

        assert resolve_newest(store, DEVELOPMENT).name == "dev-jonas--20260111-120900"
        assert store.pages_read == 3

    def test_where_the_providers_own_stand_says_nothing_about_the_order(self) -> None:
        own = snapshot(60, name="daytona-large", general=True)
        store = Pages([snapshot(5), own, snapshot(4)], [snapshot(3)])

        assert resolve_newest(store, DEVELOPMENT).name == "dev-jonas--20260111-120500"
        assert store.pages_read == 1

    def test_a_row_that_comes_again_is_one_candidate_and_no_disorder(self) -> None:
        rows = [snapshot(-n, SnapshotState.INACTIVE) for n in range(4)]
        store = Pages(rows[:2], rows, [snapshot(-5)], [snapshot(-6)])

        found = resolve_newest(store, DEVELOPMENT)

        assert (found.name, store.pages_read) == ("dev-jonas--20260111-115500", 3)
        assert len(found.candidates) == 5

    def test_a_row_that_comes_again_counts_as_it_is_then(self) -> None:
        building, older = snapshot(5, SnapshotState.BUILDING), snapshot(1, SnapshotState.INACTIVE)
        store = Pages([building], [snapshot(5), older], [snapshot(0)])

        found = resolve_newest(store, DEVELOPMENT)

        assert (found.name, store.pages_read) == (snapshot(5).name, 2)
        assert verdicts(found) == [
            (snapshot(5).name, Verdict.PICKED),
            (older.name, Verdict.INACTIVE),
        ]

    def test_one_that_went_away_between_two_pages_is_not_picked(self) -> None:
        gone = snapshot(5, SnapshotState.REMOVING)

        found = resolve([snapshot(4, SnapshotState.FAILED), snapshot(5)], [gone, snapshot(3)])

        assert found.name == "dev-jonas--20260111-120300"

    def test_the_newest_of_10000_is_found_in_any_disorder(self) -> None:
        rows = [snapshot(n, stage="dev-jonas" if n % 7 else "dev-ann") for n in range(9_995)]
        rows += [snapshot(n, SnapshotState.FAILED) for n in range(9_995, 10_000)]
        expected = rows[9_994]
        random.Random(20260111).shuffle(rows)  # noqa: S311
        # Each page begins with rows of the one before, as when others publish meanwhile.
        pages = [rows[max(0, n - 30) : n + 200] for n in range(0, 10_000, 200)]
        store = Pages(*pages)

        found = resolve_newest(store, DEVELOPMENT)

        assert (found.name, store.pages_read) == (expected.name, 50)
        assert len(found.candidates) == 10_000
        assert [v for _, v in verdicts(found)].count(Verdict.PICKED) == 1


STATES = st.sampled_from([*SnapshotState, *[SnapshotState.ACTIVE] * 5])
STAGES = st.sampled_from(["dev-jonas"] * 6 + ["dev-jonas2", "Dev-jonas", "dev_jonas"])
ROWS = st.lists(
    st.builds(
        snapshot,
        st.integers(0, 600),
        STATES,
        stage=STAGES,
        general=st.sampled_from([False, False, False, True]),
    ),
    max_size=12,
    unique_by=lambda row: row.created,
)


def in_pages(rows: Sequence[Snapshot], cuts: Sequence[int]) -> list[list[Snapshot]]:
    edges = sorted({0, len(rows), *(cut % (len(rows) + 1) for cut in cuts)})
    return [list(rows[begin:end]) for begin, end in pairwise(edges)]


def usable(rows: Sequence[Snapshot]) -> list[Snapshot]:
    """Return what is usable, computed independently of the module."""
    return [
        row
        for row in rows
        if re.fullmatch(r"dev-jonas--\d{8}-\d{6}", row.name)
        and row.state is SnapshotState.ACTIVE
        and not row.general
    ]


def newest(rows: Sequence[Snapshot]) -> str | None:
    found = sorted(usable(rows), key=lambda row: row.created)
    return found[-1].name if found else None


class TestAnyPages:
    @given(rows=ROWS, cuts=st.lists(st.integers(0, 12), max_size=5))
    def test_in_order_it_is_the_newest_of_all_and_nothing_is_read_behind_it(
        self, rows: list[Snapshot], cuts: list[int]
    ) -> None:
        rows.sort(key=lambda row: row.created, reverse=True)
        pages = in_pages(rows, cuts)
        store = Pages(*pages)

        found = resolve_newest(store, DEVELOPMENT)

        matching = [n for n, page in enumerate(pages, 1) if usable(page)]
        assert found.name == newest(rows)
        assert store.pages_read == (matching[0] if matching else len(pages))

    @example(rows=[snapshot(1), snapshot(2), snapshot(3)], cuts=[2])
    @given(rows=ROWS, cuts=st.lists(st.integers(0, 12), max_size=5))
    def test_in_any_order_it_is_the_newest_of_what_was_read_and_disorder_lets_all_be_read(
        self, rows: list[Snapshot], cuts: list[int]
    ) -> None:
        pages = in_pages(rows, cuts)
        store = Pages(*pages)

        found = resolve_newest(store, DEVELOPMENT)

        read = [row for page in pages[: store.pages_read] for row in page]
        moments = [row.created for row in read if not row.general]
        assert found.name == newest(read)
        if moments != sorted(moments, reverse=True):
            assert store.pages_read == len(pages)
            assert found.name == newest(rows)


class TestNewer:
    @pytest.mark.parametrize(
        ("state", "told"),
        [
            (SnapshotState.PENDING, True),
            (SnapshotState.BUILDING, True),
            (SnapshotState.FAILED, True),
            (SnapshotState.INACTIVE, True),
            (SnapshotState.REMOVING, False),
            (SnapshotState.UNKNOWN, False),
        ],
    )
    def test_a_newer_unusable_snapshot_is_reported(self, state: SnapshotState, told: bool) -> None:
        found = resolve([snapshot(5, state), snapshot(3), snapshot(1, state)])

        assert [c.snapshot for c in found.newer] == ([snapshot(5, state)] if told else [])

    def test_foreign_snapshots_are_not_reported(self) -> None:
        others = [
            snapshot(9, SnapshotState.BUILDING, stage="dev-jonas2"),
            snapshot(8, SnapshotState.BUILDING, general=True),
            snapshot(7, SnapshotState.BUILDING, name="dev-jonas--x"),
        ]

        assert resolve([*others, snapshot(3)]).newer == ()

    def test_when_nothing_is_active_all_of_them_are(self) -> None:
        rows = [snapshot(5, SnapshotState.FAILED), snapshot(4, SnapshotState.BUILDING)]

        assert [c.snapshot for c in resolve(rows).newer] == rows

    def test_the_newest_inactive_one_counts_when_nothing_is_active(self) -> None:
        rows = [snapshot(n, SnapshotState.INACTIVE) for n in (2, 8, 5)]

        found = resolve([snapshot(9, SnapshotState.FAILED), *rows])

        assert found.newest_inactive == snapshot(8, SnapshotState.INACTIVE)

    def test_an_inactive_one_does_not_count_beside_an_active_one(self) -> None:
        assert resolve([snapshot(5, SnapshotState.INACTIVE), snapshot(1)]).newest_inactive is None

    def test_without_any_there_is_none(self) -> None:
        assert resolve([snapshot(5, SnapshotState.FAILED)]).newest_inactive is None


class TestRequired:
    def test_it_is_the_name_that_was_picked(self) -> None:
        assert resolve([snapshot()]).required() == snapshot().name

    def test_a_stage_without_snapshots_gets_a_hint_to_publish_one(self) -> None:
        with pytest.raises(NotFound) as caught:
            resolve([snapshot(stage="dev-ann")]).required()

        error = caught.value
        assert (error.code, error.exit_code) == ("snapshot_not_found", 3)
        assert error.message == "stage dev-jonas has no active snapshot"
        assert error.hint == "publish one: os2 snapshot daytona --stage dev-jonas"

    def test_one_that_is_being_built_is_named(self) -> None:
        rows = [snapshot(7, SnapshotState.FAILED), snapshot(5, SnapshotState.BUILDING)]

        with pytest.raises(NotFound) as caught:
            resolve(rows).required()

        assert caught.value.message == (
            f"stage dev-jonas has no active snapshot yet; {rows[1].name} is being built"
        )
        assert f"os2 snapshot wait {rows[1].name}" in (caught.value.hint or "")

    def test_one_that_only_sleeps_is_named_with_what_wakes_it(self) -> None:
        rows = [snapshot(5, SnapshotState.INACTIVE), snapshot(3, SnapshotState.INACTIVE)]

        with pytest.raises(NotFound) as caught:
            resolve(rows).required()

        assert f"{rows[0].name} was deactivated" in caught.value.message
        assert "os2 machine create --type daytona --stage dev-jonas" in (caught.value.hint or "")


def kept(found: Snapshot) -> CachedSnapshot:
    return CachedSnapshot(found.name, found.id)


@pytest.fixture
def cache(tmp_path: Path) -> SnapshotCache:
    return SnapshotCache(tmp_path / "cache", 300)


class TestCached:
    OLD = CachedSnapshot("stg--20260101-000000", "id-old")

    def test_an_answer_is_kept_and_given_again_without_asking(self, cache: SnapshotCache) -> None:
        store = MemorySnapshots(snapshot(stage="stg"))

        first = resolve_cached(store, STAGING, cache, ACCOUNT, use_cache=True)
        store.put(snapshot(5, stage="stg"))
        second = resolve_cached(store, STAGING, cache, ACCOUNT, use_cache=True)

        assert (first.cached, second.cached, store.listings) == (False, True, 1)
        assert (second.name, second.id) == (first.name, first.id)
        assert first.name == "stg--20260111-120000"
        assert (second.candidates, second.newer, second.newest_inactive) == ((), (), None)

    def test_another_account_is_asked_for(self, cache: SnapshotCache) -> None:
        cache.put("another", "stg--", self.OLD)

        found = resolve_cached(
            MemorySnapshots(snapshot(stage="stg")), STAGING, cache, ACCOUNT, use_cache=True
        )

        assert found.name == "stg--20260111-120000"

    def test_who_wants_no_cache_gets_a_new_answer_which_is_kept(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", self.OLD)
        store = MemorySnapshots(snapshot(stage="stg"))

        found = resolve_cached(store, STAGING, cache, ACCOUNT, use_cache=False)

        assert (found.name, found.cached) == ("stg--20260111-120000", False)
        assert cache.get(ACCOUNT, "stg--") == kept(snapshot(stage="stg"))

    @pytest.mark.parametrize("name", ["dev", "dev-jonas", "local-x"])
    def test_development_is_asked_for_each_time_and_nothing_is_kept(
        self, name: str, cache: SnapshotCache
    ) -> None:
        stage = Stage(name, "--stage")
        cache.put(ACCOUNT, stage.prefix, self.OLD)
        store = MemorySnapshots(snapshot(stage=name))

        for _ in range(2):
            found = resolve_cached(store, stage, cache, ACCOUNT, use_cache=True)
            assert (found.name, found.cached) == (snapshot(stage=name).name, False)

        assert store.listings == 2
        assert cache.get(ACCOUNT, stage.prefix) == self.OLD

    def test_a_failure_is_not_kept(self, cache: SnapshotCache) -> None:
        store = MemorySnapshots(snapshot(stage="stg"))
        store.unreachable = DOWN
        with pytest.raises(Unreachable):
            resolve_cached(store, STAGING, cache, ACCOUNT, use_cache=True)
        store.unreachable = None

        found = resolve_cached(store, STAGING, cache, ACCOUNT, use_cache=True)

        assert (found.name, found.cached) == ("stg--20260111-120000", False)

    def test_that_there_is_none_is_not_kept(self, cache: SnapshotCache) -> None:
        store = MemorySnapshots()
        assert resolve_cached(store, STAGING, cache, ACCOUNT, use_cache=True).name is None
        store.put(snapshot(stage="stg"))

        found = resolve_cached(store, STAGING, cache, ACCOUNT, use_cache=True)

        assert found.name == "stg--20260111-120000"

    def test_an_answer_that_is_known_to_be_wrong_is_kept_no_longer(
        self, cache: SnapshotCache
    ) -> None:
        cache.put(ACCOUNT, "stg--", self.OLD)

        found = resolve_cached(MemorySnapshots(), STAGING, cache, ACCOUNT, use_cache=False)

        assert found.name is None
        assert cache.get(ACCOUNT, "stg--") is None
