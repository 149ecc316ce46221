"""Use case: publish a snapshot of a stage, unless its newest one is unchanged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.errors import Conflict, NotFound, Os2Error, TimedOut
from os2cli.core.models import Snapshot, SnapshotState
from os2cli.core.progress import SILENT, Progress
from os2cli.core.snapshot_name import SnapshotName
from os2cli.core.stage import Stage
from os2cli.core.waiting import allowing
from os2cli.host.interrupts import BackgroundCall, Interrupted, cleaned_up_by
from os2cli.host.locks import exclusive
from os2cli.snapshots.activation import wait_until_active
from os2cli.snapshots.building import ContentSource, PublishRequest, SnapshotContent, SnapshotStore
from os2cli.snapshots.resolution import Resolution, Verdict, newest_of, resolve_newest

NAME_ATTEMPTS = 10
LATE_ANSWER_SECONDS = 3.0
_USABLE = (SnapshotState.PENDING, SnapshotState.BUILDING, SnapshotState.ACTIVE)


@dataclass(frozen=True, slots=True)
class Publication:
    """A snapshot, whether this call created it, and the time in seconds."""

    snapshot: Snapshot
    published: bool
    seconds: float


class _Published(Exception):
    """The same content has just been published from another host."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot.name)
        self.snapshot = snapshot


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes the content of ``source`` to ``store``; ``lock_dir`` serialises a stage.

    ``preflight`` raises if publishing cannot succeed.
    """

    store: SnapshotStore
    source: ContentSource
    lock_dir: Path
    preflight: Callable[[], None] = lambda: None
    clock: Clock = REAL_TIME

    def publish(
        self,
        stage: Stage,
        request: PublishRequest,
        *,
        wait_seconds: float | None,
        progress: Progress = SILENT,
    ) -> Publication:
        """Publish and wait until the snapshot is active (``wait_seconds`` None: don't).

        If another os2 on this host publishes the same stage, wait for it first, and use its
        snapshot if that is the same.

        Raises:
            OperationFailed: the build failed; ``log_tail`` is the end of its log.
            TimedOut: the snapshot is still being built; the build continues.
        """

        def say_waiting() -> None:
            progress.notice(f"waiting for another os2 to publish {stage.name}")

        started = time.monotonic()
        with exclusive(self.lock_dir, f"publish {stage.name}", on_busy=say_waiting):
            with progress.phase("preflight"):
                self.preflight()
                resolution = resolve_newest(self.store, stage)
            request = replace(request, stage=stage.name)
            prepared = self.source.prepare(request, progress)
            same = None if request.force else _same(resolution, prepared.key)
            if same is not None:
                return self._joined(same, wait_seconds, started, progress)
            with allowing(wait_seconds):
                content = prepared.deliver(progress)
                try:
                    snapshot = self._create(stage, content, request, progress)
                except _Published as other:
                    return self._joined(other.snapshot, wait_seconds, started, progress)
            if wait_seconds is not None:
                snapshot = self._finish(snapshot, wait_seconds, progress)
        return Publication(snapshot, published=True, seconds=time.monotonic() - started)

    def _joined(
        self, snapshot: Snapshot, seconds: float | None, started: float, progress: Progress
    ) -> Publication:
        if seconds is not None:
            snapshot = self._join(snapshot, seconds, progress)
        return Publication(snapshot, published=False, seconds=time.monotonic() - started)

    def _join(self, snapshot: Snapshot, seconds: float, progress: Progress) -> Snapshot:
        """Wait for a snapshot of another os2, which is not ours to remove."""
        if snapshot.state is SnapshotState.ACTIVE:
            return snapshot
        progress.notice(f"waiting for {snapshot.name}, which is built from the same inputs")
        try:
            return self._until_active(snapshot, seconds, progress)
        except TimedOut as error:
            error.hint = f"{error.hint}; --force builds another"
            raise

    def _until_active(self, snapshot: Snapshot, seconds: float, progress: Progress) -> Snapshot:
        with progress.phase("build"):
            return wait_until_active(
                self.store, snapshot, seconds, progress=progress, clock=self.clock
            )

    def _create(
        self, stage: Stage, content: SnapshotContent, request: PublishRequest, progress: Progress
    ) -> Snapshot:
        """Create a snapshot named after this second, or a later one if the name is taken."""
        name = SnapshotName(stage.name, datetime.now(UTC))
        for _ in range(NAME_ATTEMPTS):
            create = partial(self.store.create, str(name), content, request.resources)
            pending = BackgroundCall(create, at_once=False)
            try:
                with _removed_by_hand(str(name)):
                    return self._answer(pending, str(name), progress)
            except Conflict as error:
                if error.code != "snapshot_exists":
                    raise
                if not request.force:
                    self._use_same(str(name), content)
                progress.notice(f"{name} is taken, trying the next second")
                name = name.next_second()
        raise Conflict(
            f"no free name for a snapshot of {stage.name}",
            hint="many snapshots are being published: retry",
            code="snapshot_exists",
        )

    def _use_same(self, name: str, content: SnapshotContent) -> None:
        """Raise ``_Published`` if another host has just published the same content.

        Of two builds with the same text that start together, Daytona may never finish one.
        """
        with suppress(NotFound):
            other = self.store.get(name)
            if other.key == content.key and other.state in _USABLE:
                raise _Published(other)

    def _answer(self, pending: BackgroundCall[Snapshot], name: str, progress: Progress) -> Snapshot:
        try:
            with progress.phase("create"):
                return pending.answer()
        except Interrupted:
            # If left behind, it would become the stage's newest.
            snapshot = pending.result_within(LATE_ANSWER_SECONDS)
            if snapshot is not None:
                self._abandon(snapshot, progress)
            elif pending.sent:
                progress.warn(f"snapshot {name} may exist")
            raise

    def _finish(self, snapshot: Snapshot, seconds: float, progress: Progress) -> Snapshot:
        """Wait until the snapshot is active; remove it if its build fails."""
        with _removed_by_hand(snapshot.name):
            try:
                return self._until_active(snapshot, seconds, progress)
            except TimedOut:
                raise
            except Interrupted:
                self._abandon(snapshot, progress)
                raise
            except Os2Error as error:
                if error.code == "build_failed":
                    self._undo(snapshot, progress)
                elif not isinstance(error, NotFound):
                    go_on = error.hint or f"to wait for it: os2 snapshot wait {snapshot.name}"
                    error.hint = f"the build continues; {go_on}"
                raise

    def _abandon(self, snapshot: Snapshot, progress: Progress) -> None:
        progress.notice(f"removing unfinished snapshot {snapshot.name}")
        self._undo(snapshot, progress)

    def _undo(self, snapshot: Snapshot, progress: Progress) -> None:
        try:
            self.store.remove(snapshot, hurried=True)
        except NotFound:
            return
        except Os2Error as error:
            progress.warn(f"snapshot {snapshot.name} still exists: {error.message}")


@contextmanager
def _removed_by_hand(name: str) -> Iterator[None]:
    """Report how to remove the snapshot if the process is killed inside the block."""
    with cleaned_up_by("os2 snapshot rm", "--yes") as names:
        names.append(name)
        yield


def _same(resolution: Resolution, key: str) -> Snapshot | None:
    """Return the stage's newest snapshot, or the one being built, if its inputs are the same."""
    building = [c.snapshot for c in resolution.newer if c.verdict is Verdict.BUILDING]
    newest = newest_of([*building, *([resolution.snapshot] if resolution.snapshot else [])])
    return newest if newest is not None and newest.key == key else None
