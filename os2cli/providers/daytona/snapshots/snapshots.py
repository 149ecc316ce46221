"""Published snapshots: find, create, activate and remove them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error
from os2cli.core.models import Snapshot, SnapshotResources, SnapshotState
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.errors import LostAnswer
from os2cli.providers.daytona.api.pages import Pages
from os2cli.providers.daytona.api.retry import DEFAULT, FAST, pause
from os2cli.providers.daytona.api.wire import PageAnswer, SnapshotAnswer, read, read_each
from os2cli.providers.daytona.snapshots.build_log import BuildLog
from os2cli.providers.daytona.snapshots.cooldown import cooling_down, is_cooldown
from os2cli.providers.daytona.snapshots.creating import creating
from os2cli.snapshots.building import SnapshotContent

WRITE, DELETE = "write:snapshots", "delete:snapshots"
# Every item holds its Dockerfile's text. The newest is nearly always among the first few, so the
# first page is small. The others are as large as the API allows.
FIRST_PAGE, FULL_PAGE = 20, 200
CREATE_ATTEMPTS = 3
_OLD_ORDER = "createdTime"
_LISTING = "listing snapshots"
# What an inactive snapshot is once its activation was accepted.
_IS_ACTIVATED = re.compile(r"already active|in (?:active|pending|building|pulling) state")
_ON_THE_WAY = (SnapshotState.PENDING, SnapshotState.BUILDING, SnapshotState.ACTIVE)


class DaytonaSnapshots:
    """The snapshots of one organisation."""

    def __init__(self, client: DaytonaClient) -> None:
        self.client = client
        self._order = "createdAt"
        self._names: dict[str, str] = {}

    def newest_first(self, prefix: str) -> Iterator[list[Snapshot]]:
        """Yield pages of snapshots whose name may begin with ``prefix``, newest first.

        The API matches more: ``prefix`` anywhere, in any case, with ``_`` and ``%`` as wildcards,
        and it adds snapshots of its own. Invalid items are left out, unless that is all of a page.
        The list has a deadline as a whole; one that does not end is an error.
        """
        pages = Pages(_LISTING)
        first = pages.ask(partial(self._page, prefix, 1, FIRST_PAGE))
        yield _snapshots(first)
        if first.total_pages <= 1:
            return
        number, last = 1, 1
        while number <= last:
            page = pages.ask(partial(self._page, prefix, number, FULL_PAGE))
            if not page.items:
                return
            pages.add(page.items)
            yield _snapshots(page)
            number, last = number + 1, page.total_pages

    def _page(self, prefix: str, number: int, limit: int) -> PageAnswer:
        query = {"name": prefix, "order": "desc", "page": number, "limit": limit}
        try:
            answer = self.client.get("/snapshots", {**query, "sort": self._order}, doing=_LISTING)
        except OperationFailed as error:
            # Some servers use the column name of older documents.
            if error.code != "request_refused" or self._order == _OLD_ORDER:
                raise
            try:
                answer = self.client.get(
                    "/snapshots", {**query, "sort": _OLD_ORDER}, doing=_LISTING
                )
            except OperationFailed:
                raise error from None
            self._order = _OLD_ORDER
        return read(PageAnswer, answer, _LISTING)

    def get(self, name: str) -> Snapshot:
        """Return one snapshot by name or id; raises ``NotFound``."""
        # Messages have the name that belongs to an id, once it is known.
        known = self._names.get(name, name)
        answer = self.client.get(_path(name), doing=f"looking at snapshot {known}")
        return self._read(answer, known)

    def create(self, name: str, content: SnapshotContent, resources: SnapshotResources) -> Snapshot:
        """Create a snapshot; it is not active yet when this returns.

        Raises:
            Conflict: the name is taken.
        """
        body: dict[str, Any] = {
            "name": name,
            "cpu": resources.cpu,
            "memory": resources.memory_gib,
            "disk": resources.disk_gib,
            **_content(content),
        }
        if self.client.access.target:
            body["regionId"] = self.client.access.target
        doing = f"creating snapshot {name}"
        create = partial(self.client.create, "/snapshots", body, doing=doing, needs=WRITE)
        wait = creating(self.client, f"snapshot {name}", doing)
        find = partial(self._find, name, content)
        for attempt in range(CREATE_ATTEMPTS):
            try:
                return self._read(wait.request(create), name)
            except Conflict:
                # After a lost answer, it may be our own.
                created = wait.request(find) if attempt else None
                if created is None:
                    raise name_taken(name) from None
                return created
            except LostAnswer as error:
                lost = error
            self.client.clock.sleep(pause(attempt + 1))
            if (created := wait.request(find)) is not None:
                return created
        raise lost

    def _find(self, name: str, content: SnapshotContent) -> Snapshot | None:
        """Find the snapshot of a create whose answer was lost, if it was created."""
        try:
            snapshot = self.get(name)
        except NotFound:
            return None
        if snapshot.key != content.key:
            raise name_taken(name)
        return snapshot

    def activate(self, snapshot: Snapshot) -> None:
        """Request the activation of an inactive snapshot, which takes a while.

        Raises:
            Conflict: Daytona deactivated it a moment ago (``snapshot_cooling_down``).
        """
        path, doing = f"{_path(snapshot.id)}/activate", f"activating snapshot {snapshot.name}"
        try:
            self.client.change("POST", path, doing=doing, needs=WRITE)
        except (OperationFailed, Conflict) as error:
            # The answer of an earlier request was lost, or another client was faster.
            if _IS_ACTIVATED.search(error.message):
                return
            if not (isinstance(error, Conflict) or is_cooldown(error)):
                raise
            now = self._now(snapshot)
            if now is not None and now.snapshot().state in _ON_THE_WAY:
                return
            if isinstance(error, Conflict):
                raise
            changed = now.updated if now is not None else None
            raise cooling_down(snapshot.name, error, changed) from error

    def _now(self, snapshot: Snapshot) -> SnapshotAnswer | None:
        """Return the snapshot as it is now; None if the API does not say."""
        with suppress(Os2Error):
            answer = self.client.get(_path(snapshot.id), doing="looking at it", policy=FAST)
            return read(SnapshotAnswer, answer, "looking at it")
        return None

    def remove(self, snapshot: Snapshot, *, hurried: bool = False) -> None:
        """Request a removal; the name stays taken until it is done."""
        self.client.change(
            "DELETE",
            _path(snapshot.id),
            doing=f"removing snapshot {snapshot.name}",
            needs=DELETE,
            policy=FAST if hurried else DEFAULT,
        )

    def build_log(self, snapshot: Snapshot) -> BuildLog:
        """Return the log of the builder, from its first line."""
        return BuildLog(self.client, snapshot.id)

    def _read(self, answer: Any, name: str) -> Snapshot:
        snapshot = read(SnapshotAnswer, answer, f"looking at snapshot {name}").snapshot()
        self._names[snapshot.id] = snapshot.name
        return snapshot


def name_taken(name: str) -> Conflict:
    """Return the error for a name that another publish took."""
    return Conflict(
        f"snapshot {name} already exists",
        hint="run the command again: names hold the second of their creation",
        code="snapshot_exists",
    )


def _path(name: str) -> str:
    return f"/snapshots/{quote(name, safe='')}"


def _snapshots(page: PageAnswer) -> list[Snapshot]:
    answers, _ = read_each(SnapshotAnswer, page.items, _LISTING)
    return [answer.snapshot() for answer in answers]


def _content(content: SnapshotContent) -> Mapping[str, Any]:
    if content.image is not None:
        return {"imageName": content.image}
    info = {"dockerfileContent": content.dockerfile, "contextHashes": list(content.contexts)}
    return {"buildInfo": info}
