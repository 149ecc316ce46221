"""Use cases: wait until a snapshot is usable, activate one, follow its build."""

from __future__ import annotations

import time
from collections.abc import Callable

from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.errors import Conflict, Os2Error, UsageError
from os2cli.core.models import Snapshot, SnapshotState
from os2cli.core.observed import record_change
from os2cli.core.progress import SILENT, Progress
from os2cli.snapshots.activation import activate, wait_until_active
from os2cli.snapshots.building import SnapshotStore
from os2cli.snapshots.inventory import Entry
from os2cli.snapshots.pruning import IN_FLIGHT


def wait_until_usable(
    entry: Entry, seconds: float, *, progress: Progress = SILENT, clock: Clock = REAL_TIME
) -> SnapshotState:
    """Wait until a snapshot is active; an image always is.

    Raises:
        Conflict: the snapshot was deactivated.
        OperationFailed: its build failed; ``log_tail`` is the end of its log.
        TimedOut: it is still being built.
    """
    known = _in_store(entry)
    if known is None:
        return entry.item.state
    store, snapshot = known
    if snapshot.state is SnapshotState.INACTIVE:
        raise Conflict(
            f"snapshot {snapshot.name} was deactivated because it was unused",
            hint=f"activate it: os2 snapshot activate {snapshot.name}",
            code="snapshot_inactive",
        )
    with progress.phase("build"):
        return wait_until_active(store, snapshot, seconds, progress=progress, clock=clock).state


def bring_back(
    entry: Entry,
    seconds: float | None,
    *,
    progress: Progress = SILENT,
    clock: Clock = REAL_TIME,
) -> tuple[SnapshotState, bool]:
    """Activate a deactivated snapshot (``seconds`` None: don't wait); False: it was active.

    Raises:
        Conflict: it is being built, failed or being removed.
        UsageError: it is an image.
    """
    known = _in_store(entry)
    if known is None:
        raise UsageError(
            f"{entry.item.name} is a local image: there is nothing to activate",
            hint="list inactive snapshots: os2 snapshot list --state inactive",
            code="nothing_to_activate",
        )
    store, snapshot = known
    if snapshot.state is SnapshotState.ACTIVE:
        return snapshot.state, False
    if snapshot.state is not SnapshotState.INACTIVE:
        building = snapshot.state in IN_FLIGHT
        raise Conflict(
            f"cannot activate snapshot {snapshot.name}: it is {snapshot.state.value}, not inactive",
            hint=f"os2 snapshot {'wait' if building else 'show'} {snapshot.name}",
            code="snapshot_not_inactive",
        )
    record_change(entry.item.type)
    if seconds is None:
        store.activate(snapshot)
        return store.get(snapshot.id).state, True
    return activate(
        store, snapshot, wait_seconds=seconds, progress=progress, clock=clock
    ).state, True


def follow_build(entry: Entry, on_line: Callable[[str], None], seconds: float) -> bool:
    """Pass on the build log until the build ends; return False if nothing is being built.

    An ``OSError`` of ``on_line`` ends it.

    Raises:
        OperationFailed: the build failed.
        TimedOut: the build is still running.
    """
    known = _in_store(entry)
    if known is None or known[1].state not in IN_FLIGHT:
        return False
    listener = _Listener(on_line)
    try:
        wait_until_active(*known, seconds, progress=listener, clock=listener.clock)
    except Os2Error as error:
        # The lines were already passed on.
        error.log_tail = ()
        if error.code == "build_failed":
            error.hint = (
                f"fix it and publish again; to remove it: os2 snapshot rm {entry.item.name}"
            )
        raise
    finally:
        listener.check()
    return True


class _Listener(Progress):
    """Passes lines on from the reading thread, and its failure to the waiting one."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.on_line = on_line
        self.failure: OSError | None = None
        self.clock = Clock(sleep=self._sleep)

    def log(self, line: str) -> None:
        """Pass a line on; its reader may have gone."""
        if self.failure is None:
            try:
                self.on_line(line)
            except OSError as error:
                self.failure = error

    def check(self) -> None:
        """Raise the failure of passing a line on."""
        if self.failure is not None:
            raise self.failure

    def _sleep(self, seconds: float) -> None:
        self.check()
        time.sleep(seconds)


def _in_store(entry: Entry) -> tuple[SnapshotStore, Snapshot] | None:
    store, snapshot = entry.catalog.store, entry.item.snapshot
    return (store, snapshot) if store is not None and snapshot is not None else None
