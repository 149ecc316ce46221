"""What the server knows: snapshots and sandboxes, and the requests that it got."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tests.daytona_server.errors import timestamp

if TYPE_CHECKING:
    from tests.daytona_server.session_commands import Session

REGION = "us"
RUNNER = "3f1c2a54-7f0e-4b6c-9d5e-2b8a6c1d4e70"
OPEN_NETWORK = {"networkBlockAll": False, "networkAllowList": None, "domainAllowList": None}


@dataclass(slots=True)
class RecordedRequest:
    """One request; ``status`` is None until it is answered.

    ``sent`` counts the bytes of the answer's body, or those of a WebSocket's frames.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    status: int | None = None
    sent: int = 0

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @classmethod
    def from_scope(cls, scope: Any, path: str, body: bytes) -> RecordedRequest:
        """Return the record of an ASGI request, under the name ``path``."""
        return cls(
            method=scope.get("method", "GET"),
            path=path,
            query=dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
            headers={name.decode().lower(): value.decode() for name, value in scope["headers"]},
            body=body,
        )


@dataclass(slots=True, eq=False)
class SnapshotRecord:
    """A snapshot; ``number`` counts them in the order of their making."""

    id: str
    name: str
    state: str
    created: datetime
    number: int
    organization_id: str
    general: bool = False
    image_name: str = ""
    dockerfile: str | None = None
    context_hashes: tuple[str, ...] = ()
    build_hash: str | None = None
    entrypoint: list[str] | None = None
    cpu: int = 1
    gpu: int = 0
    memory: int = 1
    disk: int = 3
    size: float | None = None
    error_reason: str | None = None
    updated: datetime | None = None
    last_used: datetime | None = None
    activated_at: float | None = None
    source_sandbox_id: str | None = None
    region: str = REGION
    runner: str | None = None
    """Who builds or fetches it; None until a job has chosen one."""
    image: str | None = None
    """The image on the engine that sandboxes are made from."""

    def document(self) -> dict[str, Any]:
        """Return its JSON."""
        updated = timestamp(self.updated or self.created)
        document: dict[str, Any] = {
            "id": self.id,
            "organizationId": self.organization_id,
            "general": self.general,
            "name": self.name,
            "imageName": self.image_name,
            "state": self.state,
            "size": self.size,
            "entrypoint": self.entrypoint,
            "cpu": self.cpu,
            "gpu": self.gpu,
            "mem": self.memory,
            "disk": self.disk,
            "errorReason": self.error_reason,
            "createdAt": timestamp(self.created),
            "updatedAt": updated,
            "lastUsedAt": timestamp(self.last_used) if self.last_used else None,
            "sourceSandboxId": self.source_sandbox_id,
            "regionIds": [self.region],
            "initialRunnerId": self.runner,
            "sandboxClass": "container",
        }
        if self.build_hash is not None:
            document["ref"] = f"registry.internal/daytona/{self.build_hash}"
            document["buildInfo"] = {
                "dockerfileContent": self.dockerfile or "",
                "contextHashes": list(self.context_hashes),
                "createdAt": timestamp(self.created),
                "updatedAt": updated,
                "snapshotRef": self.build_hash,
            }
        return document


@dataclass(slots=True, eq=False)
class SandboxRecord:
    """A sandbox; with an engine it has a container."""

    id: str
    name: str
    organization_id: str
    snapshot: str
    state: str
    created: datetime
    number: int
    toolbox_url: str
    env: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    public: bool = False
    user: str = "daytona"
    target: str = REGION
    cpu: int = 1
    gpu: int = 0
    memory: int = 1
    disk: int = 3
    intervals: dict[str, int] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=lambda: dict(OPEN_NETWORK))
    volumes: list[dict[str, str]] = field(default_factory=list)
    desired: str = "started"
    error_reason: str | None = None
    recoverable: bool = False
    """Whether an error is one that ``recover`` mends, as when the disk is full."""
    queue_timeout: int | None = None
    updated: datetime | None = None
    used: datetime | None = None
    """When its timer began: at a change of its state, or the last use."""
    deleted_name: str | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    """What a private preview asks for; another one after each start."""
    signed_tokens: dict[tuple[int, str], float] = field(default_factory=dict)
    ssh_tokens: list[str] = field(default_factory=list)
    """Those that are valid, unless they have expired: one at most."""
    ssh_expires: datetime | None = None
    destroy_at: datetime | None = None
    """When it is destroyed, whatever its state then."""
    image: str | None = None
    entrypoint: list[str] = field(default_factory=list)
    container: str | None = None
    ports: dict[int, int] = field(default_factory=dict)
    """Where the container's ports are on 127.0.0.1."""
    sessions: dict[str, Session] = field(default_factory=dict)
    """The toolbox's sessions by name."""
    log: list[str | bytes] = field(default_factory=list)
    """What the entry point wrote, where there is no container: lines of stdout, or bytes that
    stand in the log as they are, marks and all."""

    @property
    def changing(self) -> bool:
        """Whether a change is under way, so that another one is refused."""
        return self.state.endswith("ing")

    def item(self) -> dict[str, Any]:
        """Return its JSON in a list, which leaves some keys out."""
        updated = timestamp(self.updated or self.created)
        document: dict[str, Any] = {
            "id": self.id,
            "organizationId": self.organization_id,
            "name": self.name,
            "snapshot": self.snapshot,
            "user": self.user,
            "labels": dict(self.labels),
            "public": self.public,
            "target": self.target,
            "cpu": self.cpu,
            "gpu": self.gpu,
            "memory": self.memory,
            "disk": self.disk,
            "state": self.state,
            "desiredState": self.desired,
            "errorReason": self.error_reason,
            "recoverable": self.state == "error" and self.recoverable,
            "kvm": False,
            "backupState": "None",
            "createdAt": timestamp(self.created),
            "updatedAt": updated,
            "lastActivityAt": updated,
            "sandboxClass": "container",
            "daemonVersion": "0.190.0",
            "runnerId": RUNNER,
            "toolboxProxyUrl": self.toolbox_url,
            **self.intervals,
            **self.network,
        }
        if self.queue_timeout is not None:
            document["queueTimeout"] = self.queue_timeout
        if self.destroy_at is not None:
            document["autoDestroyAt"] = timestamp(self.destroy_at)
        return document

    def document(self) -> dict[str, Any]:
        """Return its JSON."""
        return {**self.item(), "env": dict(self.env), "volumes": list(self.volumes)}
