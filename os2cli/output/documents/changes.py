"""The documents of ``machine start``, ``stop``, ``restart``, ``archive`` and ``prune``."""

from __future__ import annotations

from pydantic import RootModel

from os2cli.core.models import Removal
from os2cli.machines.stale import Leftover
from os2cli.machines.states import Change
from os2cli.output.documents.document import Document


class ChangeItem(Document):
    """What became of one machine: the verb's word, such as ``stopped``, or ``unchanged``."""

    name: str
    outcome: str
    state: str | None
    url: str | None

    @classmethod
    def of(cls, change: Change) -> ChangeItem:
        """The document of a change."""
        machine = change.machine
        return cls(
            name=change.name,
            outcome=change.outcome,
            state=machine.state.value if machine else None,
            url=machine.url if machine else None,
        )


class ChangeList(RootModel[list[ChangeItem]]):
    """One item for each machine, in the order they were named."""


class PruneItem(Document):
    """A machine that was left over: ``planned`` with --dry-run, else ``removed`` or ``missing``."""

    name: str
    type: str
    stage: str
    why: str
    outcome: str

    @classmethod
    def of(cls, leftover: Leftover, removal: Removal | None) -> PruneItem:
        """The document of a leftover and of its removal, None: it was only planned."""
        machine = leftover.machine
        return cls(
            name=machine.name,
            type=machine.type,
            stage=machine.stage,
            why=leftover.why,
            outcome=removal.outcome if removal else "planned",
        )


class PruneList(RootModel[list[PruneItem]]):
    """``machine prune``: empty when nothing was left over."""
