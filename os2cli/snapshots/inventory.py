"""Use cases over the images and snapshots of all providers at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from os2cli.core.errors import Conflict, NotFound, Os2Error
from os2cli.core.models import MachineType, Removal, SnapshotState
from os2cli.core.observed import record_change
from os2cli.host.concurrency import NAMES_SECONDS, ask_all, concurrently, names_within, outcomes
from os2cli.snapshots.catalog import Catalog, CatalogItem
from os2cli.snapshots.pruning import age_key

# Created when asked: a catalog that cannot be created counts as one that does not answer.
Catalogs = Mapping[MachineType, Callable[[], Catalog]]


@dataclass(frozen=True, slots=True)
class Entry:
    """An image or a snapshot, the machines created from it, and its catalog."""

    item: CatalogItem
    users: tuple[str, ...]
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class InventoryListing:
    """The entries of the providers that answered, and the failures of the others.

    ``elsewhere`` is the number of entries of other stages, which are left out.
    """

    entries: tuple[Entry, ...]
    failures: Mapping[MachineType, Os2Error] = field(default_factory=dict)
    elsewhere: int = 0

    @property
    def partial(self) -> bool:
        """Whether entries may be missing from the listing."""
        return bool(self.failures)


def list_inventory(catalogs: Catalogs, stage: str | None = None) -> InventoryListing:
    """List the entries of a stage, or all, newest first; the catalogs are asked concurrently.

    Raises the first failure if every provider fails.
    """
    answers, failures = ask_all(catalogs, lambda catalog: _with_users(catalog, catalog.list(stage)))
    if not answers and failures:
        raise next(iter(failures.values()))
    entries = [entry for answer in answers.values() for entry in answer]
    ordered = sorted(entries, key=lambda entry: age_key(entry.item), reverse=True)
    return InventoryListing(tuple(ordered), failures)


def only(
    listing: InventoryListing, *, stage: str | None, state: SnapshotState | None
) -> InventoryListing:
    """Return the listing without other states, and without other stages, which are counted.

    Entries without a stage stay.
    """
    here = [e for e in listing.entries if stage is None or e.item.stage in (None, stage)]
    entries = tuple(e for e in here if state in (None, e.item.state))
    return InventoryListing(entries, listing.failures, len(listing.entries) - len(here))


def find_entry(catalogs: Catalogs, name: str) -> Entry:
    """Return an image or a snapshot with its machines; raises as ``locate`` does."""
    found = locate(catalogs, name)
    return _with_users(found.catalog, [found.item])[0]


def locate(catalogs: Catalogs, name: str) -> Entry:
    """Locate an image or a snapshot by name, in the catalogs that could contain it.

    Raises:
        Conflict: several providers have one, or it was not created by os2 (``not_ours``).
        NotFound: no provider has one; the failure of one that did not answer is raised instead.
    """
    candidates = catalogs_for(catalogs, name)
    answers = outcomes(lambda catalog: locate_in(catalog, name), candidates)
    found = [answer for answer in answers if isinstance(answer, Entry)]
    if len(found) == 1:
        return found[0]
    if found:
        types = [entry.item.type for entry in found]
        raise Conflict(
            f"{name} exists on {' and '.join(types)}",
            hint=f"choose one: --type {types[0]}",
            code="snapshot_ambiguous",
        )
    errors = [answer for answer in answers if isinstance(answer, Os2Error)]
    raise next((error for error in errors if not isinstance(error, NotFound)), errors[0])


def catalogs_for(catalogs: Catalogs, name: str) -> list[Catalog]:
    """Return the catalogs that could contain the name; a single one always counts."""
    made = [make() for make in catalogs.values()]
    candidates = [catalog for catalog in made if catalog.could_contain(name)]
    if candidates or len(made) == 1:
        return candidates or made
    raise NotFound(
        f"image or snapshot {name} not found on {' or '.join(catalogs)}",
        hint="list images and snapshots: os2 snapshot list",
        code="snapshot_not_found",
    )


def find_catalog(catalogs: Catalogs, name: str) -> Catalog:
    """Return the catalog that could contain the name; with several, the one that does."""
    candidates = catalogs_for(catalogs, name)
    return candidates[0] if len(candidates) == 1 else locate(catalogs, name).catalog


def locate_in(catalog: Catalog, name: str) -> Entry:
    """Return the entry of that name in a catalog."""
    return Entry(catalog.get(name), (), catalog)


def locate_all(
    catalogs: Catalogs, names: Sequence[str], *, with_users: bool = True
) -> dict[str, Entry | Os2Error]:
    """Locate each name, with its machines or the error."""
    located = outcomes(lambda name: locate(catalogs, name), names)
    found = dict(zip(names, located, strict=True))
    if with_users:
        entries = {name: e for name, e in found.items() if isinstance(e, Entry)}
        for type_ in {entry.item.type for entry in entries.values()}:
            found |= _add_users({n: e for n, e in entries.items() if e.item.type == type_})
    return found


def _add_users(entries: Mapping[str, Entry]) -> dict[str, Entry | Os2Error]:
    """Add the machines to entries of one catalog, with one request."""
    catalog = next(iter(entries.values())).catalog
    try:
        complete = _with_users(catalog, [entry.item for entry in entries.values()])
    except Os2Error as error:
        return dict.fromkeys(entries, error)
    return dict(zip(entries, complete, strict=True))


def remove_entries(
    found: Mapping[str, Entry | Os2Error], *, force: bool, within: float | None = None
) -> list[Removal]:
    """Remove entries concurrently; one failure does not stop the others.

    Entries with machines stay, unless ``force``.
    """

    def remove(name: str) -> Removal:
        entry = found[name]
        if isinstance(entry, NotFound):
            return Removal(name, removed=False)
        if isinstance(entry, Os2Error):
            return Removal(name, removed=False, error=entry)
        if entry.users and not force:
            return Removal(name, removed=False, error=_in_use(entry))
        try:
            gone = entry.catalog.remove(entry.item, force=force, within=within)
        except Os2Error as error:
            return Removal(name, removed=False, error=error)
        return Removal(name, removed=gone)

    record_change(*(entry.item.type for entry in found.values() if isinstance(entry, Entry)))
    return concurrently(remove, list(found))


def remove_left(catalogs: Catalogs) -> None:
    """Remove what killed processes left beside the entries, on the providers that answer."""
    ask_all(catalogs, lambda catalog: catalog.remove_left())


def inventory_names(catalogs: Catalogs, within: float = NAMES_SECONDS) -> list[str]:
    """Return the names on the providers that answer ``within`` these seconds."""
    return names_within(within, [partial(_names, make) for make in catalogs.values()])


def _names(make: Callable[[], Catalog]) -> list[str]:
    return [item.name for item in make().list()]


def _in_use(entry: Entry) -> Conflict:
    count = len(entry.users)
    users = f"{entry.users[0]} was" if count == 1 else f"{entry.users[0]} and {count - 1} more were"
    return Conflict(
        f"{entry.item.name} is in use: {users} created from it",
        hint="remove the machines first, or pass --force",
        code="snapshot_in_use",
    )


def _with_users(catalog: Catalog, items: Sequence[CatalogItem]) -> list[Entry]:
    users = catalog.users(items) if items else {}
    # Machines need the image, not a name that a push left on it.
    return [
        Entry(item, () if item.left_over else users.get(item.id, ()), catalog) for item in items
    ]
