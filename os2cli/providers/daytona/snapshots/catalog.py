"""The catalog of the snapshots that os2 published to Daytona."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial

from os2cli.core.errors import Conflict, NotFound, OperationFailed, TimedOut, UsageError
from os2cli.core.models import DAYTONA, Snapshot, SnapshotState
from os2cli.core.snapshot_name import SnapshotName
from os2cli.core.stage import name_prefix
from os2cli.core.waiting import Wait
from os2cli.providers import labels
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.listing import list_sandboxes
from os2cli.providers.daytona.machines.sandboxes import GONE
from os2cli.providers.daytona.snapshots.build_log import read_log
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots
from os2cli.snapshots.catalog import CatalogItem
from os2cli.snapshots.contents import Contents

REMOVAL_SECONDS, POLL_SECONDS = 60.0, 0.5
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)


class DaytonaCatalog:
    """Snapshots whose names are os2's; Daytona's own and others are never touched."""

    type = DAYTONA

    def __init__(self, client: DaytonaClient) -> None:
        self.client = client
        self.store = DaytonaSnapshots(client)

    def could_contain(self, name: str) -> bool:
        """Tell whether ``name`` is a name that os2 gives, or an id."""
        return _ID.fullmatch(name) is not None or _stage(name) is not None

    def list(self, stage: str | None = None) -> list[CatalogItem]:
        """Return our snapshots of a stage, or of all, newest first."""
        # Every name of ours has the separator, which the API finds anywhere in a name.
        prefix = name_prefix(stage or "")
        found: dict[str, CatalogItem] = {}
        for page in self.store.newest_first(prefix):
            # By id: rows shift between pages while others publish.
            found |= {s.id: item for s in page if (item := _item(s)) is not None}
        items = [item for item in found.values() if stage in (None, item.stage)]
        return sorted(items, key=lambda item: (item.created, item.name), reverse=True)

    def get(self, name: str) -> CatalogItem:
        """Return one snapshot by name or id."""
        if not self.could_contain(name):
            raise UsageError(
                f"invalid snapshot name {name!r}",
                hint="names look like dev-jonas--20260111-193045",
                code="snapshot_name_invalid",
            )
        try:
            item = _item(self.store.get(name))
        except NotFound:
            raise NotFound(
                f"snapshot {name} not found on Daytona",
                hint="list the snapshots: os2 snapshot list --all-stages",
                code="snapshot_not_found",
            ) from None
        if item is None:
            raise Conflict(
                f"snapshot {name} was not published by os2",
                hint="list those that were: os2 snapshot list --all-stages",
                code="not_ours",
            )
        return item

    def users(self, items: Iterable[CatalogItem]) -> Mapping[str, tuple[str, ...]]:
        """Return the sandboxes that were created from each, also those not created by os2."""
        names: dict[str, set[str]] = {}
        doing = "listing the machines of snapshots"
        for sandbox in list_sandboxes(self.client, doing):
            if sandbox.state == GONE:
                continue
            user = sandbox.labels.get(labels.NAME) or sandbox.name or sandbox.id
            for snapshot in {sandbox.snapshot, sandbox.labels.get(labels.SNAPSHOT)} - {None}:
                names.setdefault(str(snapshot), set()).add(user)
        users = {i.id: names.get(i.name, set()) | names.get(i.id, set()) for i in items}
        return {id_: tuple(sorted(sandboxes)) for id_, sandboxes in users.items() if sandboxes}

    def remove(
        self, item: CatalogItem, *, force: bool = False, within: float | None = None
    ) -> bool:
        """Remove the snapshot and wait until it is gone; Daytona needs no ``force``."""
        del force
        seconds = within or REMOVAL_SECONDS
        state = item.state

        def late(silence: str) -> TimedOut:
            last = "; ".join(filter(None, (f"state: {state.value}", silence)))
            return TimedOut(
                f"removing snapshot {item.name} timed out after {seconds:g} s ({last})",
                hint=f"Daytona continues; to go on waiting: {go_on}",
                code="not_gone",
            )

        goal, go_on = f"the removal of snapshot {item.name}", f"os2 snapshot rm {item.name}"
        wait = Wait(goal, seconds, late, go_on=go_on, clock=self.client.clock)
        sent = 0

        def remove() -> None:
            nonlocal sent
            sent += 1
            self.store.remove(_known(item))

        try:
            if state is not SnapshotState.REMOVING:
                wait.request(remove)
        except NotFound:
            self._check_gone(item, wait)
            # An earlier request may have had its effect although its answer was lost.
            return sent > 1
        except (OperationFailed, Conflict):
            if sent == 1 or not self._is_going(item, wait):
                raise
        with suppress(NotFound):
            while True:
                state = wait.ask(partial(self.store.get, item.id)).state
                wait.pause(POLL_SECONDS)
        return True

    def remove_left(self) -> None:
        """Do nothing: what is left is an item."""

    def contents(self, item: CatalogItem) -> Contents | None:
        """Return None: only a machine could look."""
        del item
        return None

    def _check_gone(self, item: CatalogItem, wait: Wait) -> None:
        """Raise ``OperationFailed`` if Daytona has what it did not find for the removal."""
        with suppress(NotFound):
            snapshot = wait.ask(partial(self.store.get, item.id))
            if snapshot.state is not SnapshotState.REMOVING:
                raise OperationFailed(
                    f"snapshot {item.name} still exists: Daytona did not find it for the removal",
                    hint=f"retry: os2 snapshot rm {item.name}",
                    code="not_gone",
                )

    def _is_going(self, item: CatalogItem, wait: Wait) -> bool:
        with suppress(NotFound):
            return wait.ask(partial(self.store.get, item.id)).state is SnapshotState.REMOVING
        return True

    def log(self, name: str) -> Iterator[str]:
        """Return the lines of the build log so far."""
        item = self.get(name)
        try:
            return read_log(self.client, item.id)
        except NotFound:
            raise NotFound(
                f"Daytona has no build log of {item.name}",
                hint="if its image was built on this host, see: "
                f"os2 snapshot logs os2-snapshot:{(item.stage or '').lower()}",
                code="log_not_found",
            ) from None


def _item(snapshot: Snapshot) -> CatalogItem | None:
    """Return the snapshot as an item; None if it is not os2's."""
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
