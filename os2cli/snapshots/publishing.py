"""Use case: publish a snapshot of the stage, unless nothing changed since its newest one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.errors import Conflict, NotFound, Os2Error, TimedOut
from os2cli.core.models import Snapshot, SnapshotState
from os2cli.core.progress import SILENT, Progress
from os2cli.core.snapshot_name import SnapshotName
from os2cli.core.stage import Stage
from os2cli.host.interrupts import BackgroundCall, Interrupted, cleaned_up_by
from os2cli.host.locks import exclusive
from os2cli.snapshots.activation import wait_until_active
from os2cli.snapshots.building import ContentSource, PublishRequest, SnapshotContent, SnapshotStore
from os2cli.snapshots.resolution import Resolution, Verdict, newest_of, resolve_newest

NAME_ATTEMPTS = 10
LATE_ANSWER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Publication:
    """A snapshot and whether this call had it made; ``seconds`` is the time that took."""

    snapshot: Snapshot
    published: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes to ``store`` what ``source`` makes; ``lock_dir`` is where two of one stage meet.

    ``preflight`` raises when it is clear beforehand that publishing can't succeed.
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

        Another os2 here that publishes the same stage is waited for first, and its snapshot is
        used when it is the same.

        Raises:
            OperationFailed: the build failed; ``log_tail`` is the end of its log.
            TimedOut: it is still being built; it is left alone.
        """

        def say_waiting() -> None:
            progress.notice(f"waiting for another os2 that publishes {stage.name}")

        started = time.monotonic()
        with exclusive(self.lock_dir, f"publish {stage.name}", on_busy=say_waiting):
            with progress.phase("preflight"):
                self.preflight()
                resolution = resolve_newest(self.store, stage)
            prepared = self.source.prepare(request, progress)
            same = None if request.force else _same(resolution, prepared.key)
            if same is not None:
                if wait_seconds is not None:
                    same = self._join(same, wait_seconds, progress)
                return Publication(same, published=False, seconds=time.monotonic() - started)
            content = prepared.deliver(progress)
            snapshot = self._create(stage, content, request, progress)
            if wait_seconds is not None:
                snapshot = self._finish(snapshot, wait_seconds, progress)
        return Publication(snapshot, published=True, seconds=time.monotonic() - started)

    def _join(self, snapshot: Snapshot, seconds: float, progress: Progress) -> Snapshot:
        """Wait for what somebody else has begun; it is his to remove."""
        if snapshot.state is SnapshotState.ACTIVE:
            return snapshot
        progress.notice(f"{snapshot.name} is being built from the same: waiting for it")
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
        """Create under the name of this second, or of a later one when somebody has that."""
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
                progress.notice(f"{name} is taken: the next second is tried")
                name = name.next_second()
        raise Conflict(
            f"no free name was found for a snapshot of {stage.name}",
            hint="many are being published at this moment: try again",
            code="snapshot_exists",
        )

    def _answer(self, pending: BackgroundCall[Snapshot], name: str, progress: Progress) -> Snapshot:
        try:
            with progress.phase("create"):
                return pending.answer()
        except Interrupted:
            # One that came to be unwatched would be the stage's newest.
            made = pending.result_within(LATE_ANSWER_SECONDS)
            if made is not None:
                self._abandon(made, progress)
            elif pending.sent:
                progress.warn(f"snapshot {name} may be there all the same")
            raise

    def _finish(self, snapshot: Snapshot, seconds: float, progress: Progress) -> Snapshot:
        """Wait until it is active; one that never will be is removed again."""
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
                raise

    def _abandon(self, snapshot: Snapshot, progress: Progress) -> None:
        progress.notice(f"removing {snapshot.name}, which was not finished")
        self._undo(snapshot, progress)

    def _undo(self, snapshot: Snapshot, progress: Progress) -> None:
        try:
            self.store.remove(snapshot, hurried=True)
        except NotFound:
            return
        except Os2Error as error:
            progress.warn(f"snapshot {snapshot.name} is still there: {error.message}")


@contextmanager
def _removed_by_hand(name: str) -> Iterator[None]:
    """What to run for the snapshot, should this be left in the middle."""
    with cleaned_up_by("os2 snapshot rm", "--yes") as begun:
        begun.append(name)
        yield


def _same(resolution: Resolution, key: str) -> Snapshot | None:
    """What the stage has newest, or is about to have, when it is made from the same."""
    building = [c.snapshot for c in resolution.newer if c.verdict is Verdict.BUILDING]
    newest = newest_of([*building, *([resolution.snapshot] if resolution.snapshot else [])])
    return newest if newest is not None and newest.key == key else None
