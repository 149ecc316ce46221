"""The JSON documents that commands print: their fields are a promise to scripts.

Times are RFC 3339 in UTC, sizes are bytes, durations are seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, RootModel

from os2cli.doctor import Finding, Remedy, Status
from os2cli.machines import Removal
from os2cli.models import Image, Machine
from os2cli.stage import Stage


class Document(BaseModel):
    """What every document has."""

    model_config = ConfigDict(frozen=True, ser_json_timedelta="float")

    schema_version: Literal[1] = 1


class MachineDocument(Document):
    """A machine: ``machine create``, ``machine show`` and ``up``; ``machine list`` is an array."""

    name: str
    type: str
    state: str
    health: str
    url: str | None
    port: int | None
    stage: str
    snapshot: str
    owner: str
    created: datetime
    id: str
    labels: dict[str, str]

    @classmethod
    def of(cls, machine: Machine) -> MachineDocument:
        """The document of a machine."""
        return cls(
            name=machine.name,
            type=machine.type.value,
            state=machine.state.value,
            health=machine.health.value,
            url=machine.url,
            port=machine.port,
            stage=machine.stage,
            snapshot=machine.snapshot,
            owner=machine.owner,
            created=machine.created,
            id=machine.id,
            labels=dict(machine.labels),
        )


class MachineList(RootModel[list[MachineDocument]]):
    """``machine list``: an array, empty when there are no machines."""


class RemovalItem(Document):
    """What became of one machine: ``removed``, ``missing`` or ``failed``."""

    name: str
    outcome: str
    message: str | None = None

    @classmethod
    def of(cls, removal: Removal) -> RemovalItem:
        """The document of a removal."""
        message = removal.error.message if removal.error else None
        return cls(name=removal.name, outcome=removal.outcome, message=message)


class RemovalList(RootModel[list[RemovalItem]]):
    """``machine rm``: one item for each machine, in the order they were named."""


class ImageDocument(Document):
    """``snapshot local-docker``: the image and whether this call built it."""

    name: str
    id: str
    key: str | None
    created: datetime
    size_bytes: int
    built: bool
    seconds: float

    @classmethod
    def of(cls, image: Image, *, built: bool, seconds: float) -> ImageDocument:
        """The document of an image."""
        return cls(
            name=image.reference,
            id=image.id,
            key=image.key,
            created=image.created,
            size_bytes=image.size_bytes,
            built=built,
            seconds=round(seconds, 3),
        )


class StageDocument(Document):
    """``stage``."""

    stage: str
    kind: str
    prefix: str
    origin: str
    warning: str | None

    @classmethod
    def of(cls, stage: Stage) -> StageDocument:
        """The document of a stage."""
        return cls(
            stage=stage.name,
            kind=stage.kind.value,
            prefix=stage.prefix,
            origin=stage.origin,
            warning=stage.warning,
        )


class RemedyDocument(BaseModel):
    """What helps; ``fix`` names the fix that ``doctor --fix`` runs, if there is one."""

    text: str
    commands: list[str]
    fix: str | None

    @classmethod
    def of(cls, remedy: Remedy) -> RemedyDocument:
        """The document of a remedy."""
        return cls(text=remedy.text, commands=list(remedy.commands), fix=remedy.fix)


class FindingDocument(BaseModel):
    """What one check found."""

    check: str
    status: str
    what: str
    why: str | None
    remedy: RemedyDocument | None

    @classmethod
    def of(cls, finding: Finding) -> FindingDocument:
        """The document of a finding."""
        return cls(
            check=finding.check,
            status=finding.status.value,
            what=finding.what,
            why=finding.why,
            remedy=RemedyDocument.of(finding.remedy) if finding.remedy else None,
        )


class DoctorDocument(Document):
    """``doctor``: ``ok`` is false when any finding is a problem."""

    ok: bool
    findings: list[FindingDocument]

    @classmethod
    def of(cls, findings: Sequence[Finding]) -> DoctorDocument:
        """The document of all findings."""
        return cls(
            ok=all(finding.status is not Status.PROBLEM for finding in findings),
            findings=[FindingDocument.of(finding) for finding in findings],
        )
