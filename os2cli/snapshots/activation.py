"""Use case: wait until a snapshot that is being built, or was deactivated, is active."""

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
    """Poll a snapshot until its state is final, and pass on the build log.

    Raises:
        OperationFailed: the build failed (``build_failed``); ``log_tail`` is the end of its log.
        TimedOut: the snapshot is still being built.
    """
    if snapshot.state is SnapshotState.ACTIVE:
        return snapshot  # the builder already had the same one
    deadline = clock.now() + seconds
    log = store.build_log(snapshot)
    with log.followed(partial(_tell_line, progress)):
        pauses = chain(POLL_SECONDS, repeat(POLL_SECONDS[-1]))
        shown = ""
        while snapshot.state not in _ENDED:
            if clock.now() >= deadline:
                raise _timed_out(snapshot, seconds, log.tail)
            # Not on every poll: the steps in the log say more.
            if snapshot.state.value != shown:
                shown = snapshot.state.value
                progress.status(shown)
            clock.sleep(next(pauses))
            snapshot = store.get(snapshot.id)
        # The state is ahead of the log, whose last lines explain the failure.
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
    """Activate an inactive snapshot and wait until it is active."""
    deadline = clock.now() + wait_seconds
    progress.notice(f"{snapshot.name} was deactivated because it was unused: activating it")
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
    """Pass on a line of the build log; the start of a step becomes the status."""
    progress.log(line)
    if (step := _STEP.fullmatch(line)) is not None:
        progress.status(step[1])


def _failed(snapshot: Snapshot, tail: tuple[str, ...]) -> OperationFailed:
    what = snapshot.reason or f"its state is {snapshot.state.value}"
    return OperationFailed(
        f"snapshot {snapshot.name} failed to build: {what}",
        hint="the lines above are the end of its log; -v shows all of it"
        if tail
        else "Daytona sent no log; check the API: os2 doctor",
        code="build_failed",
        log_tail=tail,
    )


def _timed_out(snapshot: Snapshot, seconds: float, tail: tuple[str, ...]) -> TimedOut:
    return TimedOut(
        f"timed out after {seconds:g} s waiting for snapshot {snapshot.name} to be active "
        f"(last state: {snapshot.state.value})",
        hint=f"the build continues; to wait for it: os2 snapshot wait {snapshot.name}",
        code="not_active",
        log_tail=tail,
    )
