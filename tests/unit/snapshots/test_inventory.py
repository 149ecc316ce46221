"""Images and snapshots of all providers at once: listing, finding, removing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from os2cli.core.errors import Conflict, NotFound, Os2Error, Unreachable
from os2cli.core.models import DAYTONA, LOCAL_DOCKER, MachineType, SnapshotState
from os2cli.snapshots.catalog import Catalog, CatalogItem
from os2cli.snapshots.inventory import (
    find_catalog,
    find_entry,
    inventory_names,
    list_inventory,
    locate,
    locate_all,
    only,
    remove_entries,
)
from tests.contract.memory_catalog import MemoryCatalog

MOMENT = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
DOWN = Unreachable("it is down", hint="start it")


def item(name: str, type_: MachineType = DAYTONA, age: int = 0, **more: object) -> CatalogItem:
    created = MOMENT - timedelta(hours=age)
    state = more.pop("state", SnapshotState.ACTIVE)
    return CatalogItem(f"id-{name}", name, type_, state, created, **more)  # type: ignore[arg-type]


class Two:
    """An engine with images, and Daytona with snapshots whose names begin with ``s``."""

    def __init__(self) -> None:
        self.images = MemoryCatalog(LOCAL_DOCKER)
        self.snapshots = MemoryCatalog(DAYTONA, only_names=("s",))

    @property
    def catalogs(self) -> dict[MachineType, Callable[[], Catalog]]:
        return {LOCAL_DOCKER: lambda: self.images, DAYTONA: lambda: self.snapshots}


@pytest.fixture
def two() -> Two:
    two = Two()
    two.images.items = [item("image", LOCAL_DOCKER, 2)]
    two.snapshots.items = [item("s1", age=3, stage="stg"), item("s2", age=1, stage="prd")]
    return two


def test_everything_is_listed_newest_first_with_its_machines(two: Two) -> None:
    two.snapshots.used_by = {"id-s1": ("a", "b")}

    listing = list_inventory(two.catalogs)

    assert [entry.item.name for entry in listing.entries] == ["s2", "image", "s1"]
    assert [entry.users for entry in listing.entries] == [(), (), ("a", "b")]
    assert not listing.partial


def test_one_that_is_down_hides_nothing_of_the_other(two: Two) -> None:
    two.images.unreachable = DOWN

    listing = list_inventory(two.catalogs)

    assert [entry.item.name for entry in listing.entries] == ["s2", "s1"]
    assert (listing.partial, listing.failures) == (True, {LOCAL_DOCKER: DOWN})


def test_when_all_are_down_that_is_the_failure(two: Two) -> None:
    two.images.unreachable = two.snapshots.unreachable = DOWN

    with pytest.raises(Unreachable):
        list_inventory(two.catalogs)


def test_other_stages_are_left_out_and_counted(two: Two) -> None:
    listing = only(list_inventory(two.catalogs), stage="stg", state=None)

    assert [entry.item.name for entry in listing.entries] == ["image", "s1"]
    assert listing.elsewhere == 1


def test_other_states_are_left_out(two: Two) -> None:
    two.snapshots.items.append(item("s3", stage="stg", state=SnapshotState.FAILED))

    listing = only(list_inventory(two.catalogs), stage=None, state=SnapshotState.FAILED)

    assert [entry.item.name for entry in listing.entries] == ["s3"]


def test_a_name_is_asked_of_who_may_have_it_only(two: Two) -> None:
    two.snapshots.unreachable = DOWN

    assert locate(two.catalogs, "image").item.name == "image"
    with pytest.raises(NotFound):
        locate(two.catalogs, "none")


def test_an_unreachable_provider_may_have_it(two: Two) -> None:
    two.snapshots.unreachable = DOWN

    with pytest.raises(Unreachable):
        locate(two.catalogs, "s1")


def test_a_name_that_both_have_is_ambiguous(two: Two) -> None:
    two.images.items.append(item("s1", LOCAL_DOCKER))

    with pytest.raises(Conflict) as caught:
        find_catalog(two.catalogs, "s1")

    assert caught.value.code == "snapshot_ambiguous"
    assert "--type local-docker" in str(caught.value.hint)


def test_what_is_not_ours_counts_for_more_than_what_is_not_there(two: Two) -> None:
    two.snapshots.foreign.add("s9")

    with pytest.raises(Conflict) as caught:
        locate(two.catalogs, "s9")

    assert caught.value.code == "not_ours"


def test_a_name_that_no_catalog_can_have_asks_none(two: Two) -> None:
    two.images.only_names = ("i",)
    two.images.unreachable = two.snapshots.unreachable = DOWN

    with pytest.raises(NotFound):
        locate(two.catalogs, "x")


def test_one_entry_is_reported_with_its_machines(two: Two) -> None:
    two.images.used_by = {"id-image": ("dev",)}

    assert find_entry(two.catalogs, "image").users == ("dev",)


def removal(two: Two, *names: str, force: bool = False) -> dict[str, tuple[str, Os2Error | None]]:
    found = locate_all(two.catalogs, names, with_users=not force)
    return {r.name: (r.outcome, r.error) for r in remove_entries(found, force=force)}


def test_each_removal_has_an_outcome_of_its_own(two: Two) -> None:
    stubborn = Conflict("it will not go", hint="wait")
    two.snapshots.stubborn["s2"] = stubborn

    outcomes = removal(two, "s1", "image", "s2", "s7")

    assert outcomes == {
        "s1": ("removed", None),
        "image": ("removed", None),
        "s2": ("failed", stubborn),
        "s7": ("missing", None),
    }
    assert [i.name for i in two.snapshots.items] == ["s2"]


def test_what_machines_were_made_from_stays_unless_forced(two: Two) -> None:
    two.snapshots.used_by = {"id-s1": ("a", "b")}

    outcome, error = removal(two, "s1")["s1"]

    assert outcome == "failed"
    assert error is not None
    assert error.code == "snapshot_in_use"
    assert "a and 1 more were created from it" in error.message
    assert removal(two, "s1", force=True)["s1"] == ("removed", None)


def test_names_for_completion_come_from_who_answers(two: Two) -> None:
    assert inventory_names(two.catalogs) == ["image", "s1", "s2"]
    two.images.unreachable = DOWN
    assert inventory_names(two.catalogs) == ["s1", "s2"]
