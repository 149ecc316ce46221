"""Use case: wait until a snapshot that is being built, or was deactivated, is active."""

from __future__ import annotations

import re
from functools import partial
from itertools import chain, repeat

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.errors import NotFound, OperationFailed, TimedOut
from os2cli.core.models import Snapshot, SnapshotState
from os2cli.core.progress import SILENT, Progress
from os2cli.core.waiting import Wait
from os2cli.snapshots.building import SnapshotStore

POLL_SECONDS = (0.3, 0.5, 1.0, 2.0)
LOG_QUIET_SECONDS, LOG_LATE_SECONDS = 0.4, 3.0
_FAILED = (SnapshotState.FAILED, SnapshotState.REMOVING)
_ENDED = (SnapshotState.ACTIVE, *_FAILED)
# As BuildKit writes them in plain text: "#7 [build 2/5] RUN npm ci", but not "#7 [internal] …".
_STEP = re.compile(r"#\d+ (\[[^\]]*\d/\d+\] .+)")


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
    log = store.build_log(snapshot)

    def late(silence: str) -> TimedOut:
        return _timed_out(snapshot, seconds, log.tail, silence)

    wait = Wait(_goal(snapshot), seconds, late, go_on=_go_on(snapshot), clock=clock)
    with log.followed(partial(_tell_line, progress)):
        pauses = chain(POLL_SECONDS, repeat(POLL_SECONDS[-1]))
        shown = ""
        while snapshot.state not in _ENDED:
            # Not on every poll: the steps in the log say more.
            if snapshot.state.value != shown:
                shown = snapshot.state.value
                progress.status(shown)
            wait.pause(next(pauses))
            snapshot = _look_at(store, snapshot, wait)
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

    def late(silence: str) -> TimedOut:
        return _timed_out(snapshot, wait_seconds, (), silence)

    wait = Wait(_goal(snapshot), wait_seconds, late, go_on=_go_on(snapshot), clock=clock)
    progress.notice(f"{snapshot.name} was deactivated because it was unused: activating it")
    with progress.phase("activate"):
        wait.request(partial(store.activate, snapshot))
        while True:
            snapshot = _look_at(store, snapshot, wait)
            if snapshot.state is SnapshotState.ACTIVE:
                return snapshot
            if snapshot.state in _FAILED:
                raise _failed(snapshot, ())
            progress.status(snapshot.state.value)
            wait.pause(POLL_SECONDS[1])


def _look_at(store: SnapshotStore, snapshot: Snapshot, wait: Wait) -> Snapshot:
    """Return the snapshot as it is now; by id, which no other snapshot gets."""
    try:
        return wait.ask(partial(store.get, snapshot.id))
    except NotFound:
        raise NotFound(
            f"snapshot {snapshot.name} was removed before it was active",
            hint="list the snapshots: os2 snapshot list",
            code="snapshot_not_found",
        ) from None


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


def _goal(snapshot: Snapshot) -> str:
    return f"snapshot {snapshot.name} to be active"


def _go_on(snapshot: Snapshot) -> str:
    if snapshot.state is SnapshotState.INACTIVE:
        return f"os2 snapshot activate {snapshot.name}"
    return f"os2 snapshot wait {snapshot.name}"


def _timed_out(snapshot: Snapshot, seconds: float, tail: tuple[str, ...], silence: str) -> TimedOut:
    state = f"last state: {snapshot.state.value}"
    hint = f"to wait for it: {_go_on(snapshot)}"
    return TimedOut(
        f"timed out after {seconds:g} s waiting for {_goal(snapshot)} "
        f"({'; '.join(filter(None, (state, silence)))})",
        hint=hint if snapshot.state is SnapshotState.INACTIVE else f"the build continues; {hint}",
        code="not_active",
        log_tail=tail,
    )
