"""Use cases over what machines are made from, images and snapshots, of all providers at once."""

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

# Made when asked: a provider that can't even be made is one that does not answer.
Catalogs = Mapping[MachineType, Callable[[], Catalog]]


@dataclass(frozen=True, slots=True)
class Entry:
    """An image or a snapshot, the machines that were made from it, and who has it."""

    item: CatalogItem
    users: tuple[str, ...]
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class InventoryListing:
    """What the providers have that answered, and why the others did not.

    ``elsewhere`` is how many of other stages were left out.
    """

    entries: tuple[Entry, ...]
    failures: Mapping[MachineType, Os2Error] = field(default_factory=dict)
    elsewhere: int = 0

    @property
    def partial(self) -> bool:
        """Whether there may be more than is in it."""
        return bool(self.failures)


def list_inventory(catalogs: Catalogs, stage: str | None = None) -> InventoryListing:
    """Everything of a stage, or of all and of none, newest first; asked side by side.

    Raises the failure when there is but one provider, or all of them fail.
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
    """Without what belongs to other stages, which is counted, and what is in another state.

    What belongs to no stage stays.
    """
    here = [e for e in listing.entries if stage is None or e.item.stage in (None, stage)]
    wanted = tuple(e for e in here if state in (None, e.item.state))
    return InventoryListing(wanted, listing.failures, len(listing.entries) - len(here))


def find_entry(catalogs: Catalogs, name: str) -> Entry:
    """An image or a snapshot with the machines that were made from it; raises as ``locate``."""
    found = locate(catalogs, name)
    return _with_users(found.catalog, [found.item])[0]


def locate(catalogs: Catalogs, name: str) -> Entry:
    """An image or a snapshot by its name; who can't have one of that name is not asked.

    Raises:
        Conflict: several providers have one, or what has that name is not ours (``not_ours``).
        NotFound: none has; the failure of a provider that did not answer is raised instead.
    """
    candidates = catalogs_for(catalogs, name)
    answers = outcomes(lambda catalog: locate_in(catalog, name), candidates)
    found = [answer for answer in answers if isinstance(answer, Entry)]
    if len(found) == 1:
        return found[0]
    if found:
        types = [entry.item.type for entry in found]
        raise Conflict(
            f"{name} is there on {' and '.join(types)}",
            hint=f"say which one: --type {types[0]}",
            code="snapshot_ambiguous",
        )
    errors = [answer for answer in answers if isinstance(answer, Os2Error)]
    raise next((error for error in errors if not isinstance(error, NotFound)), errors[0])


def catalogs_for(catalogs: Catalogs, name: str) -> list[Catalog]:
    """The catalogs that may have something of that name; the only one is asked in any case."""
    made = [make() for make in catalogs.values()]
    candidates = [catalog for catalog in made if catalog.could_contain(name)]
    if candidates or len(made) == 1:
        return candidates or made
    raise NotFound(
        f"there is no image or snapshot named {name} on {' or '.join(catalogs)}",
        hint="os2 snapshot list shows those that exist",
        code="snapshot_not_found",
    )


def find_catalog(catalogs: Catalogs, name: str) -> Catalog:
    """Who may have that name; more than one only when that is to be said."""
    candidates = catalogs_for(catalogs, name)
    return candidates[0] if len(candidates) == 1 else locate(catalogs, name).catalog


def locate_in(catalog: Catalog, name: str) -> Entry:
    """Something by its name, of a provider that is known."""
    return Entry(catalog.get(name), (), catalog)


def locate_all(
    catalogs: Catalogs, names: Sequence[str], *, with_users: bool = True
) -> dict[str, Entry | Os2Error]:
    """Each with the machines that were made from it, or why that is not known."""
    located = outcomes(lambda name: locate(catalogs, name), names)
    found = dict(zip(names, located, strict=True))
    if with_users:
        entries = {name: e for name, e in found.items() if isinstance(e, Entry)}
        for type_ in {entry.item.type for entry in entries.values()}:
            found |= _users_told({n: e for n, e in entries.items() if e.item.type == type_})
    return found


def _users_told(entries: Mapping[str, Entry]) -> dict[str, Entry | Os2Error]:
    """The same with their machines, of which one provider is asked once."""
    catalog = next(iter(entries.values())).catalog
    try:
        told = _with_users(catalog, [entry.item for entry in entries.values()])
    except Os2Error as error:
        return dict.fromkeys(entries, error)
    return dict(zip(entries, told, strict=True))


def remove_entries(
    found: Mapping[str, Entry | Os2Error], *, force: bool, within: float | None = None
) -> list[Removal]:
    """Remove side by side; one failure does not stop the others.

    What machines were made from stays, unless ``force``.
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


def inventory_names(catalogs: Catalogs, within: float = NAMES_SECONDS) -> list[str]:
    """Return the names on the providers that answer ``within`` these seconds."""
    return names_within(within, [partial(_names, make) for make in catalogs.values()])


def _names(make: Callable[[], Catalog]) -> list[str]:
    return [item.name for item in make().list()]


def _in_use(entry: Entry) -> Conflict:
    count = len(entry.users)
    machines = entry.users[0] if count == 1 else f"{entry.users[0]} and {count - 1} more"
    return Conflict(
        f"{entry.item.name} is in use: {machines} {'was' if count == 1 else 'were'} made from it",
        hint="remove the machines first, or pass --force",
        code="snapshot_in_use",
    )


def _with_users(catalog: Catalog, items: Sequence[CatalogItem]) -> list[Entry]:
    users = catalog.users(items) if items else {}
    return [Entry(item, users.get(item.id, ()), catalog) for item in items]
