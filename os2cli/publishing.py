"""Use case: publish a snapshot of the stage, unless nothing changed since its newest one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import chain, repeat
from pathlib import Path

from os2cli.clock import REAL_TIME, Clock
from os2cli.errors import Conflict, NotFound, OperationFailed, Os2Error, TimedOut
from os2cli.interrupts import Interrupted, Shielded
from os2cli.locks import exclusive
from os2cli.models import Snapshot, SnapshotState
from os2cli.progress import SILENT, Progress
from os2cli.providers.base import (
    ContentSource,
    PublishRequest,
    SnapshotContent,
    SnapshotStore,
)
from os2cli.resolution import Resolution, Verdict, newest_of, resolve_newest
from os2cli.snapshot_name import SnapshotName
from os2cli.stage import Stage

NAME_ATTEMPTS = 10
POLL_SECONDS = (0.3, 0.5, 1.0, 2.0)
_FAILED = (SnapshotState.FAILED, SnapshotState.REMOVING)
_ENDED = (SnapshotState.ACTIVE, *_FAILED)
LOG_QUIET_SECONDS, LOG_LATE_SECONDS = 0.4, 3.0
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
            with progress.phase("build"):
                return self._wait(snapshot, seconds, progress)
        except TimedOut as error:
            error.hint = f"{error.hint}; --force builds another"
            raise

    def _create(
        self, stage: Stage, content: SnapshotContent, request: PublishRequest, progress: Progress
    ) -> Snapshot:
        """Create under the name of this second, or of a later one when somebody has that."""
        name = SnapshotName(stage.name, datetime.now(UTC))
        for _ in range(NAME_ATTEMPTS):
            create = partial(self.store.create, str(name), content, request.resources)
            pending = Shielded(create, at_once=False)
            try:
                with progress.phase("create"):
                    return pending.answer()
            except Interrupted:
                # One that came to be unwatched would be the stage's newest.
                made = pending.late_answer(LATE_ANSWER_SECONDS)
                if made is not None:
                    self._abandon(made, progress)
                elif pending.sent:
                    progress.warn(f"snapshot {name} may be there all the same")
                raise
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

    def _finish(self, snapshot: Snapshot, seconds: float, progress: Progress) -> Snapshot:
        """Wait until it is active; one that never will be is removed again."""
        try:
            with progress.phase("build"):
                return self._wait(snapshot, seconds, progress)
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

    def _wait(self, snapshot: Snapshot, seconds: float, progress: Progress) -> Snapshot:
        if snapshot.state is SnapshotState.ACTIVE:
            return snapshot  # the builder had made the same before
        deadline = self.clock.now() + seconds
        log = self.store.build_log(snapshot)
        with log.followed(progress.log):
            pauses = chain(POLL_SECONDS, repeat(POLL_SECONDS[-1]))
            while snapshot.state not in _ENDED:
                if self.clock.now() >= deadline:
                    raise _timed_out(snapshot, seconds, log.tail)
                progress.status(snapshot.state.value)
                self.clock.sleep(next(pauses))
                snapshot = self.store.get(snapshot.id)
            # The state is ahead of the log, whose last lines say what happened.
            log.settle(LOG_QUIET_SECONDS, LOG_LATE_SECONDS)
        return _active(snapshot, log.tail)


def activate(
    store: SnapshotStore,
    snapshot: Snapshot,
    *,
    wait_seconds: float,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Snapshot:
    """Bring back an inactive snapshot and wait until it is active."""
    deadline = clock.now() + wait_seconds
    progress.notice(f"{snapshot.name} was put away because nobody used it: activating it")
    with progress.phase("activate"):
        store.activate(snapshot)
        while True:
            snapshot = store.get(snapshot.id)
            if snapshot.state is SnapshotState.ACTIVE:
                return snapshot
            if snapshot.state in _FAILED:
                raise _failed(snapshot, ())
            if clock.now() >= deadline:
                raise _timed_out(snapshot, wait_seconds, ())
            progress.status(snapshot.state.value)
            clock.sleep(POLL_SECONDS[1])


def _same(resolution: Resolution, key: str) -> Snapshot | None:
    """What the stage has newest, or is about to have, when it is made from the same."""
    building = [c.snapshot for c in resolution.newer if c.verdict is Verdict.BUILDING]
    newest = newest_of([*building, *([resolution.snapshot] if resolution.snapshot else [])])
    return newest if newest is not None and newest.key == key else None


def _active(snapshot: Snapshot, tail: tuple[str, ...]) -> Snapshot:
    """The snapshot when it ended well; raises when it did not."""
    if snapshot.state is SnapshotState.ACTIVE:
        return snapshot
    raise _failed(snapshot, tail)


def _failed(snapshot: Snapshot, tail: tuple[str, ...]) -> OperationFailed:
    what = snapshot.reason or f"its state is {snapshot.state.value}"
    return OperationFailed(
        f"snapshot {snapshot.name} failed to build: {what}",
        hint="the lines above are the end of its log; -v shows all of it"
        if tail
        else "Daytona gave no log; os2 doctor looks at the API",
        code="build_failed",
        log_tail=tail,
    )


def _timed_out(snapshot: Snapshot, seconds: float, tail: tuple[str, ...]) -> TimedOut:
    stage = snapshot.name.partition("--")[0]
    return TimedOut(
        f"snapshot {snapshot.name} is {snapshot.state.value}, "
        f"and was not active within {seconds:g} s",
        hint=f"it is left to go on: os2 snapshot resolve --stage {stage} --explain shows its state",
        code="not_active",
        log_tail=tail,
    )
