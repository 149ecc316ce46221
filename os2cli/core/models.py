"""The values that pass between rooms: frozen, plain and free of any provider's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NewType

from os2cli.core.errors import Os2Error
from os2cli.core.limits import Isolation, Limits, Resources

# Where a machine runs, as in ``--type``; every package under ``providers`` brings its own.
MachineType = NewType("MachineType", str)
LOCAL_DOCKER = MachineType("local-docker")
DAYTONA = MachineType("daytona")


class MachineState(StrEnum):
    """The state of a machine, with the same meaning on every provider."""

    CREATING = "creating"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"
    REMOVING = "removing"
    UNKNOWN = "unknown"


class Health(StrEnum):
    """The last answer of the daemon inside a machine."""

    HEALTHY = "healthy"
    STARTING = "starting"
    NONE = "none"


class WaitTarget(StrEnum):
    """What ``--for`` waits for."""

    HEALTHY = "healthy"
    RUNNING = "running"
    STOPPED = "stopped"


class Verb(StrEnum):
    """A change of a machine's state; the value is the command."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    ARCHIVE = "archive"

    @property
    def done(self) -> str:
        """The past participle."""
        return {"stop": "stopped", "archive": "archived"}.get(self.value, f"{self.value}ed")


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Idle minutes after which the provider acts on a machine; None is the provider's default.

    0 means never for ``stop``, late for ``archive``, at once for ``delete``, where -1 means never.
    """

    stop: int | None = None
    archive: int | None = None
    delete: int | None = None


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """The machine to create.

    ``mount_repo`` is a host directory that it works on, or on a copy of, also of what looks like a
    secret if ``mount_secrets``. ``port`` None: any. ``public``: every client with the URL reaches
    it. From ``expires`` on it may be removed. ``repository``: the id of the one it is for.
    """

    name: str
    stage: str
    snapshot: str
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    port: int | None = None
    resources: Resources = field(default_factory=Resources)
    isolation: Isolation = Isolation.DEFAULT
    mount_repo: Path | None = None
    mount_secrets: bool = False
    public: bool = False
    lifetime: Lifetime = Lifetime()
    expires: datetime | None = None
    repository: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as its provider describes it; ``url`` and ``port`` are None while it has none.

    ``reason`` is the provider's word for a failure, final unless ``startable``. ``archived``: its
    files are in cheap storage. ``isolated`` False: its programs run on this host, as its user.
    ``unfinished``: its create failed and could not be undone. ``isolation`` None: it has no choice.
    ``memory_kills`` counts killed programs. ``has_mount``: it copies a working tree when it starts.
    """

    id: str
    name: str
    type: MachineType
    stage: str
    state: MachineState
    snapshot: str
    owner: str
    created: datetime
    url: str | None = None
    port: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    health: Health = Health.NONE
    public: bool = False
    reason: str | None = None
    expires: datetime | None = None
    archived: bool = False
    isolated: bool = True
    startable: bool = True
    unfinished: bool = False
    isolation: Isolation | None = None
    limits: Limits = field(default_factory=Limits)
    memory_kills: int = 0
    repository: str | None = None
    image_key: str | None = None
    has_mount: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """The URL of a machine's port.

    A private port requires ``token`` in the header ``header``; without a token the URL is enough.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    header: str | None = None


@dataclass(frozen=True, slots=True)
class LogRequest:
    """The requested lines of a machine's log: its own, or those of one ``service``.

    ``tail`` is the maximum number of lines, None all; ``follow`` waits for more.
    """

    service: str | None = None
    since: datetime | None = None
    tail: int | None = None
    follow: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run, its arguments unquoted; ``folder`` None is the user's working directory."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Streams:
    """A command's streams; ``stdin`` None is an empty one."""

    stdout: BinaryIO
    stderr: BinaryIO
    stdin: BinaryIO | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A sandbox image on the engine; ``key``, of its inputs, is None if os2 did not build it."""

    id: str
    reference: str
    created: datetime
    size_bytes: int
    key: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
    repository: str | None = None


class SnapshotState(StrEnum):
    """The state of a published snapshot."""

    PENDING = "pending"
    BUILDING = "building"
    ACTIVE = "active"
    INACTIVE = "inactive"
    REMOVING = "removing"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SnapshotResources:
    """The resources of every machine created from a snapshot: CPUs, and GiB of memory and disk."""

    cpu: int = 4
    memory_gib: int = 4
    disk_gib: int = 10


DEFAULT_RESOURCES = SnapshotResources()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published snapshot as its provider describes it.

    ``reason`` is the provider's word for a failure. ``key`` is the digest of its inputs, None when
    os2 did not publish it. ``general`` snapshots belong to the provider itself.
    """

    id: str
    name: str
    state: SnapshotState
    created: datetime
    reason: str | None = None
    size_bytes: int | None = None
    resources: SnapshotResources | None = None
    key: str | None = None
    general: bool = False


@dataclass(frozen=True, slots=True)
class Removal:
    """The result of one removal; ``removed`` False without an error: there was nothing."""

    name: str
    removed: bool
    error: Os2Error | None = None

    @property
    def outcome(self) -> str:
        """``removed``, ``missing`` or ``failed``."""
        if self.error is not None:
            return "failed"
        return "removed" if self.removed else "missing"
