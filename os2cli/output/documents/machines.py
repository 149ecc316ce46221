"""The documents of ``up`` and of the ``machine`` commands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from os2cli.core.models import Machine
from os2cli.machines.fleet import Listing
from os2cli.output.documents.document import Document
from os2cli.output.documents.errors import FailureDocument
from os2cli.output.documents.usage import LimitsDocument

MachineEvent = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
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
    public: bool
    isolated: bool
    isolation: str | None
    limits: LimitsDocument
    memory_kills: int
    expires: datetime | None
    reason: str | None
    archived: bool

    @classmethod
    def of(cls, machine: Machine) -> MachineDocument:
        """Describe a machine."""
        return cls(
            name=machine.name,
            type=machine.type,
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
            public=machine.public,
            isolated=machine.isolated,
            isolation=machine.isolation.value if machine.isolation else None,
            limits=LimitsDocument.of(machine.limits),
            memory_kills=machine.memory_kills,
            expires=machine.expires,
            reason=machine.reason,
            archived=machine.archived,
        )


class MachineList(list[MachineDocument]):
    """``machine list``: an array, empty if there are no machines."""

    @classmethod
    def of(cls, machines: Iterable[Machine]) -> MachineList:
        """Describe machines."""
        return cls(MachineDocument.of(machine) for machine in machines)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedMachineDocument(MachineDocument):
    """``machine list --watch``: a line for each machine that is new, different or gone."""

    event: MachineEvent

    @classmethod
    def of_event(cls, event: MachineEvent, machine: Machine) -> WatchedMachineDocument:
        """Describe what became of a machine."""
        described = MachineDocument.of(machine)
        values = {each.name: getattr(described, each.name) for each in fields(described)}
        return cls(**values, event=event)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialMachineList(Document):
    """``machine list`` if not all could be read: the others, exit code 7.

    ``failures`` are those of whole providers, ``left_out`` what one of them holds beside the list.
    """

    partial: Literal[True] = True
    machines: list[MachineDocument]
    failures: dict[str, FailureDocument]
    left_out: list[str]

    @classmethod
    def of(cls, listing: Listing, left_out: Iterable[str] = ()) -> PartialMachineList:
        """Describe a listing."""
        return cls(
            machines=MachineList.of(listing.machines),
            failures={t: FailureDocument.of(e) for t, e in listing.failures.items()},
            left_out=list(left_out),
        )
