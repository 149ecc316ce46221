"""The API's answers as models; they declare only what os2 reads."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from os2cli.core.clock import EPOCH
from os2cli.core.errors import Os2Error
from os2cli.core.left_out import leave_out, readable_name
from os2cli.core.models import Snapshot, SnapshotResources, SnapshotState
from os2cli.providers.daytona.api.errors import invalid_answer
from os2cli.providers.daytona.api.fields import Amount, Moment, Reason, WebUrl

_KEY_LINE = re.compile(r"(?m)^# os2-key: (?P<key>[0-9a-f]{64})$")
_KEY_TAG = re.compile(r":[\w.-]*-key-(?P<key>[0-9a-f]{64})$", re.ASCII)
_SNAPSHOT_STATES = {
    "pending": SnapshotState.PENDING,
    "building": SnapshotState.BUILDING,
    "pulling": SnapshotState.BUILDING,
    "snapshotting": SnapshotState.BUILDING,
    "active": SnapshotState.ACTIVE,
    "inactive": SnapshotState.INACTIVE,
    "removing": SnapshotState.REMOVING,
    "error": SnapshotState.FAILED,
    "build_failed": SnapshotState.FAILED,
}


class Answer(BaseModel):
    """Part of an answer; its validation errors never show values."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", allow_inf_nan=False)


class BuildInfo(Answer):
    """What a snapshot was built from."""

    dockerfile_content: str | None = Field(None, alias="dockerfileContent")


class SnapshotAnswer(Answer):
    """A snapshot."""

    id: str
    name: str
    state: str
    general: bool = False
    created: Moment | None = Field(None, alias="createdAt")
    updated: Moment | None = Field(None, alias="updatedAt")
    image: str | None = Field(None, alias="imageName")
    reason: Reason | None = Field(None, alias="errorReason")
    size: Amount | None = None
    cpu: Amount | None = None
    memory: Amount | None = Field(None, validation_alias=AliasChoices("mem", "memory"))
    disk: Amount | None = None
    build: BuildInfo | None = Field(None, alias="buildInfo")

    def snapshot(self) -> Snapshot:
        """Return the snapshot as os2's model."""
        resources = None
        if self.cpu and self.memory and self.disk:
            resources = SnapshotResources(int(self.cpu), int(self.memory), int(self.disk))
        return Snapshot(
            id=self.id,
            name=self.name,
            state=_SNAPSHOT_STATES.get(self.state, SnapshotState.UNKNOWN),
            created=self.created or EPOCH,
            reason=self.reason or None,
            # The API counts in GiB.
            size_bytes=round(self.size * 2**30) if self.size else None,
            resources=resources,
            key=self._key(),
            general=self.general,
        )

    def _key(self) -> str | None:
        text = (self.build and self.build.dockerfile_content) or ""
        lines = list(_KEY_LINE.finditer(text))
        tag = _KEY_TAG.search(self.image or "")
        if lines:
            return lines[-1]["key"]
        return tag["key"] if tag else None


class PageAnswer(Answer):
    """One page of a list, whose items are validated one by one."""

    items: list[Any]
    total: int = 0
    total_pages: int = Field(1, alias="totalPages")


class SandboxAnswer(Answer):
    """A sandbox, in a list or alone."""

    id: str
    name: str = ""
    state: str = "unknown"
    snapshot: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    public: bool = False
    created: Moment | None = Field(None, alias="createdAt")
    reason: Reason | None = Field(None, alias="errorReason")
    recoverable: bool | None = None
    toolbox_url: str | None = Field(None, alias="toolboxProxyUrl")
    ends: Moment | None = Field(None, alias="autoDestroyAt")
    cpu: float | None = None
    memory: float | None = None
    disk: float | None = None


class SandboxListAnswer(Answer):
    """One page of sandboxes."""

    items: list[Any]
    next_cursor: str | None = Field(None, alias="nextCursor")


class UrlAnswer(Answer):
    """An address, and the token that a private one requires."""

    url: WebUrl
    token: str | None = Field(None, repr=False)


class SshAnswer(Answer):
    """Temporary SSH access; the token is the user name."""

    token: str = Field(repr=False)
    command: str = Field(alias="sshCommand", repr=False)


class StorageAccess(Answer):
    """A login to the object store, valid for an hour."""

    access_key: str = Field(alias="accessKey", repr=False)
    secret: str = Field(repr=False)
    session_token: str | None = Field(None, alias="sessionToken", repr=False)
    url: str = Field(alias="storageUrl")
    organization: str = Field(alias="organizationId")
    bucket: str
    region: str | None = None


class RegistryAccess(Answer):
    """A login to the transient registry, valid for an hour."""

    username: str = Field(repr=False)
    secret: str = Field(repr=False)
    url: str = Field(alias="registryUrl")
    project: str


class KeyAnswer(Answer):
    """The API key of the request."""

    name: str
    permissions: list[str]
    expires: Moment | None = Field(None, alias="expiresAt")
    user_id: str | None = Field(None, alias="userId")


class SandboxLimits(Answer):
    """What one sandbox may have, in CPUs and GiB; None is not said."""

    cpu: float | None = Field(None, alias="maxCpuPerSandbox")
    memory: float | None = Field(None, alias="maxMemoryPerSandbox")
    disk: float | None = Field(None, alias="maxDiskPerSandbox")


class OrganizationAnswer(SandboxLimits):
    """An organisation."""

    default_region: str | None = Field(None, alias="defaultRegionId")


class RegionUsage(SandboxLimits):
    """An organisation in one region, whose limits come before its general ones."""

    region: str = Field(alias="regionId")


class UsageAnswer(Answer):
    """What an organisation uses, and may use."""

    regions: list[RegionUsage] = Field(default_factory=list, alias="regionUsage")
    snapshots: int | None = Field(None, alias="currentSnapshotUsage")
    max_snapshots: int | None = Field(None, alias="totalSnapshotQuota")


class ConfigAnswer(Answer):
    """What the API reports about itself without a login."""

    version: str
    # The API spells it so.
    maintenance: bool = Field(False, alias="maintananceMode")


_Answer = TypeVar("_Answer", bound=Answer)
_WORDS: dict[type[Answer], str] = {SandboxAnswer: "sandbox", SnapshotAnswer: "snapshot"}


def read(kind: type[_Answer], data: Any, doing: str) -> _Answer:
    """Parse an answer as ``kind``; raises ``OperationFailed`` if a field is missing or wrong."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise invalid_answer(doing, problem(error)) from None


def read_each(kind: type[_Answer], items: Iterable[Any], doing: str) -> tuple[list[_Answer], int]:
    """Return the valid items of a list, and the number of invalid ones, which are left out.

    Raises:
        OperationFailed: there are items, but none is valid.
    """
    answers: list[_Answer] = []
    failures: list[tuple[str, Os2Error]] = []
    for item in items:
        try:
            answers.append(read(kind, item, doing))
        except Os2Error as error:
            failures.append((readable_name(item, "name", "id") or "of no name", error))
    if failures and not answers:
        raise failures[0][1]
    for name, failure in failures:
        leave_out(f"{_WORDS.get(kind, 'item')} {name}", failure.message)
    return answers, len(failures)


def problem(error: ValidationError) -> str:
    """Return the first validation error, without its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(map(str, first["loc"])) or "the whole"
    return f"{where}: {first['msg']}"
