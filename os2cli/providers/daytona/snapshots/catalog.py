"""The snapshots on Daytona that os2 published, in the shape that images have, too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from os2cli.core.errors import Conflict, NotFound, TimedOut, UsageError
from os2cli.core.models import DAYTONA, Snapshot, SnapshotState
from os2cli.core.snapshot_name import SnapshotName
from os2cli.core.stage import name_prefix
from os2cli.providers import labels
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.listing import list_sandboxes
from os2cli.providers.daytona.machines.sandboxes import GONE
from os2cli.providers.daytona.snapshots.build_log import read_log
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots
from os2cli.snapshots.catalog import CatalogItem

REMOVAL_SECONDS, POLL_SECONDS = 60.0, 0.5
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


class DaytonaCatalog:
    """Snapshots whose names are ours; the provider's own and others' are left alone."""

    type = DAYTONA

    def __init__(self, client: DaytonaClient) -> None:
        self.client = client
        self.store = DaytonaSnapshots(client)

    def could_contain(self, name: str) -> bool:
        """Ours say their stage and the second in which they were made; an id may be any."""
        return _ID.fullmatch(name) is not None or _stage(name) is not None

    def list(self, stage: str | None = None) -> list[CatalogItem]:
        """Our snapshots of a stage, or of all."""
        # Every name of ours has a separator, and the API finds it anywhere in a name.
        prefix = name_prefix(stage or "")
        found: dict[str, CatalogItem] = {}
        for page in self.store.newest_first(prefix):
            # Rows shift from page to page while others publish.
            found |= {s.id: item for s in page if (item := _item(s)) is not None}
        items = [item for item in found.values() if stage in (None, item.stage)]
        return sorted(items, key=lambda item: (item.created, item.name), reverse=True)

    def get(self, name: str) -> CatalogItem:
        """One snapshot by its name or id."""
        if not self.could_contain(name):
            raise UsageError(
                f"{name!r} is no name of a snapshot that os2 publishes",
                hint="names look like dev-jonas--20260111-193045; others are never touched",
                code="snapshot_name_invalid",
            )
        try:
            item = _item(self.store.get(name))
        except NotFound:
            raise NotFound(
                f"there is no snapshot named {name} on Daytona",
                hint="os2 snapshot list --all-stages shows those that exist",
                code="snapshot_not_found",
            ) from None
        if item is None:
            raise Conflict(
                f"the snapshot {name} was not published by os2",
                hint="os2 snapshot list --all-stages shows those that were",
                code="not_ours",
            )
        return item

    def users(self, items: Iterable[CatalogItem]) -> Mapping[str, tuple[str, ...]]:
        """The sandboxes that were made from each, also those that os2 did not make."""
        names: dict[str, set[str]] = {}
        doing = "looking which machines were made from the snapshots"
        for sandbox in list_sandboxes(self.client, doing):
            if sandbox.state == GONE:
                continue
            user = sandbox.labels.get(labels.NAME) or sandbox.name or sandbox.id
            for made_from in {sandbox.snapshot, sandbox.labels.get(labels.SNAPSHOT)} - {None}:
                names.setdefault(str(made_from), set()).add(user)
        users = {i.id: names.get(i.name, set()) | names.get(i.id, set()) for i in items}
        return {id_: tuple(sorted(found)) for id_, found in users.items() if found}

    def remove(
        self, item: CatalogItem, *, force: bool = False, within: float | None = None
    ) -> bool:
        """Ask for the removal and look until it is gone; Daytona itself asks for no force."""
        del force
        seconds = within or REMOVAL_SECONDS
        clock = self.client.clock
        deadline = clock.now() + seconds
        try:
            if item.state is not SnapshotState.REMOVING:
                self.store.remove(_known(item))
        except NotFound:
            return False
        while (state := self._state(item)) is not None:
            if clock.now() >= deadline:
                raise TimedOut(
                    f"snapshot {item.name} is {state.value}, and was not gone within {seconds:g} s",
                    hint="Daytona goes on with it: os2 snapshot list shows what it is at",
                    code="not_gone",
                )
            clock.sleep(POLL_SECONDS)
        return True

    def _state(self, item: CatalogItem) -> SnapshotState | None:
        try:
            return self.store.get(item.id).state
        except NotFound:
            return None

    def log(self, name: str) -> Iterator[str]:
        """What Daytona's builder has written so far."""
        item = self.get(name)
        try:
            return read_log(self.client, item.id)
        except NotFound:
            pushed = (
                "it has not begun, or the image was built here and pushed: then its log is "
                f"that of os2 snapshot logs os2-snapshot:{(item.stage or '').lower()}"
            )
            raise NotFound(
                f"Daytona has no log of the build of {item.name}", hint=pushed, code="log_not_found"
            ) from None


def _item(snapshot: Snapshot) -> CatalogItem | None:
    """The snapshot as an item; None when it is not ours."""
    stage = _stage(snapshot.name)
    if snapshot.general or stage is None:
        return None
    return CatalogItem(
        id=snapshot.id,
        name=snapshot.name,
        type=DAYTONA,
        state=snapshot.state,
        created=snapshot.created,
        stage=stage,
        size_bytes=snapshot.size_bytes,
        resources=snapshot.resources,
        key=snapshot.key,
        reason=snapshot.reason,
        snapshot=snapshot,
    )


def _known(item: CatalogItem) -> Snapshot:
    return item.snapshot or Snapshot(item.id, item.name, item.state, item.created)


def _stage(name: str) -> str | None:
    try:
        return SnapshotName.parse(name).stage
    except UsageError:
        return None
