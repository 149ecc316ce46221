"""A snapshot store and a content source in memory."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count

from os2cli.core.errors import Conflict, NotFound, Os2Error
from os2cli.core.models import Snapshot, SnapshotResources, SnapshotState
from os2cli.core.progress import SILENT, Progress
from os2cli.core.snapshot_name import SnapshotName
from os2cli.snapshots.building import PublishRequest, SnapshotContent

TAIL_LINES = 20


class MemoryLog:
    """A build log whose ``late`` lines arrive only when they are waited for."""

    def __init__(self, lines: Iterable[str] = (), late: Iterable[str] = ()) -> None:
        self.settled: list[tuple[float, float]] = []
        self.cut = False
        self._lines = list(lines)
        self._late = list(late)
        self._came: list[str] = []
        self._on_line: Callable[[str], None] = lambda _: None

    @property
    def tail(self) -> tuple[str, ...]:
        """Return the last lines that arrived."""
        return tuple(self._came[-TAIL_LINES:])

    @contextmanager
    def followed(self, on_line: Callable[[str], None]) -> Iterator[None]:
        """Pass on the lines so far; after the end, no more arrive."""
        self._on_line = on_line
        self._take(self._lines)
        try:
            yield
        finally:
            self.cut = True

    def drain(self, quiet_seconds: float, at_most_seconds: float) -> None:
        """Deliver the late lines if a client still listens."""
        self.settled.append((quiet_seconds, at_most_seconds))
        if not self.cut:
            self._take(self._late)

    def _take(self, lines: list[str]) -> None:
        for line in lines:
            self._came.append(line)
            self._on_line(line)
        lines.clear()


class MemorySnapshots:
    """Snapshots in memory, listed as loosely as the real API does it.

    ``becoming`` are the states of a new or activated snapshot, one per request; the last repeats.
    ``refusals`` are the errors of the next creations, None for success.
    """

    def __init__(
        self,
        *snapshots: Snapshot,
        becoming: Iterable[SnapshotState] = (SnapshotState.ACTIVE,),
        page_size: int = 20,
    ) -> None:
        self.becoming = tuple(becoming)
        self.page_size = page_size
        self.unreachable: Os2Error | None = None
        self.refusals: list[Os2Error | None] = []
        self.failing_removals: dict[str, Os2Error] = {}
        self.log = MemoryLog()
        self.failure_reason: str | None = None
        # The requests.
        self.listings = 0
        self.pages_read = 0
        self.asked_names: list[str] = []
        self.contents: list[SnapshotContent] = []
        self.activations: list[str] = []
        self.removals: list[tuple[str, bool]] = []
        self._lock = threading.RLock()
        self._ids = count(1)
        self._snapshots = {snapshot.id: snapshot for snapshot in snapshots}
        self._ahead: dict[str, list[SnapshotState]] = {}

    @property
    def names(self) -> list[str]:
        """The names of all snapshots, sorted."""
        with self._lock:
            return sorted(snapshot.name for snapshot in self.all())

    def all(self) -> list[Snapshot]:
        """Return all snapshots without advancing their states."""
        with self._lock:
            return list(self._snapshots.values())

    def put(self, snapshot: Snapshot, becoming: Iterable[SnapshotState] = ()) -> Snapshot:
        """Add or change a snapshot, as another client would."""
        with self._lock:
            self._snapshots[snapshot.id] = snapshot
            self._ahead[snapshot.id] = list(becoming)
            return snapshot

    def forget(self, name: str) -> None:
        """Remove a snapshot, as another client would."""
        with self._lock:
            del self._snapshots[self._find(name).id]

    def newest_first(self, prefix: str) -> Iterator[list[Snapshot]]:
        """Yield pages of names that contain the prefix in any case, and the provider's own."""
        self.listings += 1
        number = 0
        while True:
            self._answer()
            with self._lock:
                rows = [s for s in self._snapshots.values() if s.general or like(prefix, s.name)]
            rows.sort(key=lambda snapshot: snapshot.created, reverse=True)
            page = rows[number * self.page_size : (number + 1) * self.page_size]
            if number and not page:
                return
            self.pages_read += 1
            number += 1
            yield page

    def get(self, name: str) -> Snapshot:
        """Return a snapshot by name or ID, in its next state."""
        self._answer()
        with self._lock:
            snapshot = self._find(name)
            ahead = self._ahead.get(snapshot.id)
            if ahead:
                state = ahead.pop(0)
                reason = self.failure_reason if state is SnapshotState.FAILED else None
                snapshot = replace(snapshot, state=state, reason=reason)
                self._snapshots[snapshot.id] = snapshot
            return snapshot

    def create(self, name: str, content: SnapshotContent, resources: SnapshotResources) -> Snapshot:
        """Create a snapshot, which is pending at first."""
        self._answer()
        with self._lock:
            self.asked_names.append(name)
            refusal = self.refusals.pop(0) if self.refusals else None
            if refusal is not None:
                raise refusal
            if name in self.names:
                raise name_taken(name)
            self.contents.append(content)
            snapshot = Snapshot(
                id=f"id-{next(self._ids)}",
                name=name,
                state=SnapshotState.PENDING,
                created=SnapshotName.parse(name).created,
                resources=resources,
                key=content.key,
            )
            self._snapshots[snapshot.id] = snapshot
            self._ahead[snapshot.id] = list(self.becoming)
            return snapshot

    def activate(self, snapshot: Snapshot) -> None:
        """Activate an inactive one."""
        self._answer()
        with self._lock:
            found = self._find(snapshot.id)
            if found.state is not SnapshotState.INACTIVE:
                raise Conflict(f"{found.name} is {found.state.value}", code="snapshot_busy")
            self.activations.append(found.name)
            self._snapshots[found.id] = replace(found, state=SnapshotState.PENDING)
            self._ahead[found.id] = list(self.becoming)

    def remove(self, snapshot: Snapshot, *, hurried: bool = False) -> None:
        """Remove one."""
        with self._lock:
            self.removals.append((snapshot.name, hurried))
            if snapshot.name in self.failing_removals:
                raise self.failing_removals[snapshot.name]
            del self._snapshots[self._find(snapshot.id).id]

    def build_log(self, snapshot: Snapshot) -> MemoryLog:
        """Return the log, which is the same for all."""
        del snapshot
        return self.log

    def _answer(self) -> None:
        if self.unreachable is not None:
            raise self.unreachable

    def _find(self, name: str) -> Snapshot:
        for snapshot in self._snapshots.values():
            if name in (snapshot.id, snapshot.name):
                return snapshot
        raise NotFound(f"there is no snapshot {name}", code="snapshot_not_found")


@dataclass
class MemorySource:
    """Content in memory; ``tree`` is the key of what would be sent now.

    ``on_deliver`` is called in each delivery; ``unusable`` is why the content cannot be read.
    """

    tree: str = "tree-1"
    unusable: Os2Error | None = None
    on_deliver: Callable[[], None] = lambda: None
    requests: list[PublishRequest] = field(default_factory=list)
    deliveries: int = 0

    def prepare(self, request: PublishRequest, progress: Progress = SILENT) -> MemoryContent:
        """Name the content."""
        with progress.phase("read context"):
            self.requests.append(request)
            if self.unusable is not None:
                raise self.unusable
        return MemoryContent(self, self.tree)


@dataclass(frozen=True)
class MemoryContent:
    """Content that has a key and was not delivered yet."""

    source: MemorySource
    key: str

    def deliver(self, progress: Progress = SILENT) -> SnapshotContent:
        """Deliver it."""
        with progress.phase("upload context"):
            self.source.on_deliver()
            self.source.deliveries += 1
        return SnapshotContent(self.key, dockerfile="FROM scratch\n", contexts=("digest",))


def like(prefix: str, name: str) -> bool:
    """Return whether a database's ``ILIKE '%prefix%'`` finds the name."""
    wild = {"_": ".", "%": ".*"}
    pattern = "".join(wild.get(letter, re.escape(letter)) for letter in prefix)
    return re.search(pattern, name, re.IGNORECASE | re.DOTALL) is not None


def name_taken(name: str) -> Conflict:
    """Return the error for a name that is taken."""
    return Conflict(f"there is a snapshot named {name} already", code="snapshot_exists")
