"""Machines as sandboxes: the body of a create, and the machine of an answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from os2cli.core.clock import EPOCH
from os2cli.core.limits import Limits
from os2cli.core.models import DAYTONA, Health, Machine, MachineSpec, MachineState
from os2cli.core.stage import name_prefix
from os2cli.providers import labels
from os2cli.providers.daytona.api.wire import SandboxAnswer

GONE = "destroyed"

_STATES = {
    "creating": MachineState.CREATING,
    "restoring": MachineState.CREATING,
    "starting": MachineState.CREATING,
    "resuming": MachineState.CREATING,
    "pending_build": MachineState.CREATING,
    "building_snapshot": MachineState.CREATING,
    "pulling_snapshot": MachineState.CREATING,
    "started": MachineState.RUNNING,
    "resizing": MachineState.RUNNING,
    "snapshotting": MachineState.RUNNING,
    "pausing": MachineState.PAUSED,
    "paused": MachineState.PAUSED,
    "stopping": MachineState.STOPPED,
    "stopped": MachineState.STOPPED,
    "archiving": MachineState.STOPPED,
    "archived": MachineState.STOPPED,
    "error": MachineState.FAILED,
    "build_failed": MachineState.FAILED,
    "destroying": MachineState.REMOVING,
    GONE: MachineState.REMOVING,
}
# The states in which a change is done. A sandbox may be removed as soon as it stops.
STARTED = frozenset({"started", "resizing", "snapshotting"})
ENDING = frozenset({"destroying", GONE})
STOPPED = frozenset({"stopped", "archiving", "archived"}) | ENDING
ARCHIVED = frozenset({"archived"}) | ENDING


def sandbox_name(stage: str, machine: str) -> str:
    """Return the sandbox's name, unique in the organisation as the machine's is in its stage."""
    return f"{name_prefix(stage)}{machine}"


def sandbox_request(spec: MachineSpec, target: str | None, request_id: str) -> dict[str, Any]:
    """Return the body of ``POST /sandbox``; CPUs, memory and disk are the snapshot's."""
    lifetime = spec.lifetime
    marks = labels.of_machine(spec, DAYTONA, datetime.now(UTC))
    optional = {
        "target": target,
        "autoStopInterval": lifetime.stop,
        "autoArchiveInterval": lifetime.archive,
        "autoDeleteInterval": lifetime.delete,
        "ttlMinutes": minutes_until(spec.expires),
    }
    return {
        "name": sandbox_name(spec.stage, spec.name),
        "snapshot": spec.snapshot,
        "env": {"OS2_MACHINE_NAME": spec.name, "OS2_SNAPSHOT": spec.snapshot, **spec.env},
        "labels": {**marks, labels.REQUEST: request_id},
        "public": spec.public,
        **{key: value for key, value in optional.items() if value is not None},
    }


def minutes_until(moment: datetime | None) -> int | None:
    """Return whole minutes from now, at least one: 0 would mean never."""
    if moment is None:
        return None
    return max(1, round((moment - datetime.now(UTC)).total_seconds() / 60))


def is_ours(sandbox: SandboxAnswer) -> bool:
    """Tell whether os2 created the sandbox."""
    return sandbox.labels.get(labels.MACHINE) == "1"


def is_recoverable(sandbox: SandboxAnswer) -> bool:
    """Tell whether Daytona can start the sandbox although it failed, by another call."""
    return sandbox.state == "error" and bool(sandbox.recoverable)


def _limits(sandbox: SandboxAnswer) -> Limits:
    """Return the sandbox's resources, which the API counts in GiB."""
    memory, disk = (round(s * 2**30) if s else None for s in (sandbox.memory, sandbox.disk))
    return Limits(sandbox.cpu or None, memory, disk_bytes=disk)


def machine_from(sandbox: SandboxAnswer, url: str | None = None) -> Machine:
    """Return the machine of a sandbox."""
    marks = sandbox.labels
    state = _STATES.get(sandbox.state, MachineState.UNKNOWN)
    return Machine(
        id=sandbox.id,
        name=marks.get(labels.NAME) or sandbox.name,
        type=DAYTONA,
        stage=marks.get(labels.STAGE, ""),
        state=state,
        snapshot=marks.get(labels.SNAPSHOT) or sandbox.snapshot or "",
        owner=marks.get(labels.OWNER, ""),
        created=(sandbox.created or EPOCH).replace(microsecond=0),
        url=url,
        labels=labels.users_own(marks),
        health=Health.NONE,
        public=sandbox.public,
        reason=sandbox.reason or None,
        archived=sandbox.state == "archived",
        startable=state is not MachineState.FAILED or is_recoverable(sandbox),
        unfinished=labels.UNFINISHED in marks,
        limits=_limits(sandbox),
        # What Daytona will do wins over what was requested.
        expires=sandbox.ends or labels.moment(marks.get(labels.EXPIRES, "")),
    )
