"""A machine as its record and its processes say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from os2cli.core.clock import EPOCH
from os2cli.core.models import Health, Machine, MachineState
from os2cli.providers import labels
from os2cli.providers.local_process import LOCAL_PROCESS
from os2cli.providers.local_process.processes import first_is_alive
from os2cli.providers.local_process.record import Phase, Record, name_of_snapshot
from os2cli.providers.local_process.records import DamagedRecord
from os2cli.providers.loopback import machine_url


def damaged_machine(record: DamagedRecord, folder: Path) -> Machine:
    """Return what is known of a machine without its record, which is not much."""
    return Machine(
        id=record.name,
        name=record.name,
        type=LOCAL_PROCESS,
        stage="",
        state=MachineState.UNKNOWN,
        snapshot="",
        owner="",
        created=_changed(folder),
        reason=record.error.message,
        isolated=False,
        startable=False,
    )


def machine_of(record: Record) -> Machine:
    """Return the machine that a record describes, in its state now."""
    marks = record.labels
    state = _state(record)
    return Machine(
        id=record.id,
        name=record.name,
        type=LOCAL_PROCESS,
        stage=marks.get(labels.STAGE, ""),
        state=state,
        snapshot=name_of_snapshot(record),
        owner=marks.get(labels.OWNER, ""),
        created=labels.moment(marks.get(labels.CREATED, "")) or EPOCH,
        url=machine_url(record.name, record.port, record.addresses),
        port=record.port,
        labels=labels.users_own(marks),
        health=Health.STARTING if state is MachineState.RUNNING else Health.NONE,
        reason="its first process ended unexpectedly" if state is MachineState.FAILED else None,
        expires=labels.moment(marks.get(labels.EXPIRES, "")),
        isolated=False,
    )


def _changed(folder: Path) -> datetime:
    try:
        return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return EPOCH


def _state(record: Record) -> MachineState:
    if record.phase is Phase.CREATING:
        return MachineState.CREATING
    if record.phase is Phase.STOPPED:
        return MachineState.STOPPED
    return MachineState.RUNNING if first_is_alive(record) else MachineState.FAILED
