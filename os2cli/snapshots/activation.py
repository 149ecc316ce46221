"""Use case: wait until a snapshot is active, one that is being built or one that was put away."""

from __future__ import annotations

import re
from functools import partial
from itertools import chain, repeat

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.core.models import Snapshot, SnapshotState
from os2cli.core.progress import SILENT, Progress
from os2cli.snapshots.building import SnapshotStore

POLL_SECONDS = (0.3, 0.5, 1.0, 2.0)
LOG_QUIET_SECONDS, LOG_LATE_SECONDS = 0.4, 3.0
_FAILED = (SnapshotState.FAILED, SnapshotState.REMOVING)
_ENDED = (SnapshotState.ACTIVE, *_FAILED)
# As BuildKit writes them in plain text: "#7 [build 2/5] RUN npm ci", but not "#7 [internal] …".
_STEP = re.compile(r"#\d+ (\[[^\]]*\d+/\d+\] .+)")


def wait_until_active(
    store: SnapshotStore,
    snapshot: Snapshot,
    seconds: float,
    *,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> Snapshot:
    """Look at the state until it is final, and pass the build's log on meanwhile.

    Raises:
        OperationFailed: the build failed (``build_failed``); ``log_tail`` is the end of its log.
        TimedOut: it is still being built.
    """
    if snapshot.state is SnapshotState.ACTIVE:
        return snapshot  # the builder had made the same before
    deadline = clock.now() + seconds
    log = store.build_log(snapshot)
    with log.followed(partial(_tell_line, progress)):
        pauses = chain(POLL_SECONDS, repeat(POLL_SECONDS[-1]))
        shown = ""
        while snapshot.state not in _ENDED:
            if clock.now() >= deadline:
                raise _timed_out(snapshot, seconds, log.tail)
            # Not at every look: the steps that the log tells say more.
            if snapshot.state.value != shown:
                shown = snapshot.state.value
                progress.status(shown)
            clock.sleep(next(pauses))
            snapshot = store.get(snapshot.id)
        # The state is ahead of the log, whose last lines say what happened.
        log.drain(LOG_QUIET_SECONDS, LOG_LATE_SECONDS)
    if snapshot.state in _FAILED:
        raise _failed(snapshot, log.tail)
    return snapshot


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


def _tell_line(progress: Progress, line: str) -> None:
    """Pass a line of the build's log on; the beginning of a step is where the build is."""
    progress.log(line)
    if (step := _STEP.fullmatch(line)) is not None:
        progress.status(step[1])


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
    return TimedOut(
        f"snapshot {snapshot.name} is {snapshot.state.value}, "
        f"and was not active within {seconds:g} s",
        hint=f"it is left to go on: os2 snapshot wait {snapshot.name}",
        code="not_active",
        log_tail=tail,
    )
