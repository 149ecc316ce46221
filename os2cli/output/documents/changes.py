"""The documents of the commands that change or remove machines or snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from os2cli.core.models import Removal
from os2cli.machines.stale import Leftover
from os2cli.machines.states import Change
from os2cli.output.documents.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeItem(Document):
    """The outcome for one machine: for example ``stopped``, or ``unchanged``."""

    name: str
    outcome: str
    state: str | None
    url: str | None

    @classmethod
    def of(cls, change: Change) -> ChangeItem:
        """Describe a change."""
        machine = change.machine
        return cls(
            name=change.name,
            outcome=change.outcome,
            state=machine.state.value if machine else None,
            url=machine.url if machine else None,
        )


class ChangeList(list[ChangeItem]):
    """One item for each machine, in the order they were named."""

    @classmethod
    def of(cls, changes: Iterable[Change]) -> ChangeList:
        """Describe changes."""
        return cls(ChangeItem.of(change) for change in changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneItem(Document):
    """A pruned machine: ``planned`` with --dry-run, else ``removed`` or ``missing``."""

    name: str
    type: str
    stage: str
    why: str
    outcome: str

    @classmethod
    def of(cls, leftover: Leftover, removal: Removal | None) -> PruneItem:
        """Describe a leftover and its removal, None if it was only planned."""
        machine = leftover.machine
        return cls(
            name=machine.name,
            type=machine.type,
            stage=machine.stage,
            why=leftover.why,
            outcome=removal.outcome if removal else "planned",
        )


class PruneList(list[PruneItem]):
    """``machine prune``: empty if there was nothing to remove."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[Leftover, Removal | None]]) -> PruneList:
        """Describe leftovers, each with its removal or None."""
        return cls(PruneItem.of(leftover, removal) for leftover, removal in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalItem(Document):
    """The outcome for one machine or snapshot: ``removed``, ``missing`` or ``failed``."""

    name: str
    outcome: str
    message: str | None = None

    @classmethod
    def of(cls, removal: Removal) -> RemovalItem:
        """Describe a removal."""
        message = removal.error.message if removal.error else None
        return cls(name=removal.name, outcome=removal.outcome, message=message)


class RemovalList(list[RemovalItem]):
    """One item for each name, in their order."""

    @classmethod
    def of(cls, removals: Iterable[Removal]) -> RemovalList:
        """Describe removals."""
        return cls(RemovalItem.of(removal) for removal in removals)
