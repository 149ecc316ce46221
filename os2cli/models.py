"""The values that pass between the layers: frozen, plain and free of any provider's types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class MachineType(StrEnum):
    """Where a machine runs; the value is what ``--type`` takes."""

    LOCAL_DOCKER = "local-docker"


class MachineState(StrEnum):
    """The state of a machine, in words that mean the same on every provider."""

    CREATING = "creating"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FAILED = "failed"
    REMOVING = "removing"
    UNKNOWN = "unknown"


class Health(StrEnum):
    """What the daemon inside a machine answered when it was last asked."""

    HEALTHY = "healthy"
    STARTING = "starting"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Resources:
    """Limits of a machine; None leaves the provider's default."""

    cpu: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """What is asked for when a machine is created.

    ``mount_repo`` is a host folder that the machine sees read-only; ``port`` None lets the
    provider choose a free one.
    """

    name: str
    stage: str
    snapshot: str
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    port: int | None = None
    resources: Resources = Resources()
    mount_repo: Path | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as its provider describes it; ``url`` and ``port`` are None while it has none."""

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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a Docker engine and the setting that it came from.

    ``url`` is what the Docker SDK takes: ``unix:///…``, ``tcp://…``, ``ssh://…`` or ``npipe://…``.
    """

    url: str
    origin: str
    tls: TlsFiles | None = None

    @property
    def socket(self) -> Path | None:
        """The socket's file when the endpoint is a Unix socket."""
        scheme, _, rest = self.url.partition("://")
        return Path(rest) if scheme == "unix" else None


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The certificates with which an engine behind TLS is reached."""

    ca: Path | None
    certificate: Path | None
    key: Path | None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Image:
    """A sandbox image on the local engine; ``key`` names the inputs that it was built from."""

    id: str
    reference: str
    created: datetime
    size_bytes: int
    key: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
