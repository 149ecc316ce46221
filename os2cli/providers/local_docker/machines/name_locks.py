"""The locks of machines' names, and which creates are still at work."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from os2cli.core.errors import Conflict
from os2cli.host.locks import exclusive, is_held
from os2cli.machines.stale import CREATING_AGE
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.temporary import lock_place


@dataclass(frozen=True, slots=True)
class NameLocks:
    """The locks of this user on this host, in ``folder``."""

    folder: Path

    @property
    def creator(self) -> str:
        """What a create with these locks writes on its container."""
        return lock_place(self.folder)

    def held(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock of a name inside the block; raises ``Conflict`` if another process does."""

        def refuse() -> None:
            raise machine_busy(name)

        return exclusive(self.folder, f"machine {name}", on_busy=refuse)

    def is_abandoned(self, name: str, marks: Mapping[str, str]) -> bool:
        """Return whether the create of a container that never started has provably ended.

        A creator with other locks may be at work: another user, or one on another host.
        """
        ours = marks.get(labels.CREATOR) == self.creator
        return ours and not is_held(self.folder, f"machine {name}")


def may_remove(
    marks: Mapping[str, str], *, creator: str | None = None, request: str | None = None
) -> bool:
    """Return whether what a create made with these labels may go, though no machine shows it.

    ``creator`` is the caller's, which holds the lock of the name; ``request`` names the create that
    is taken back, or whose machine is removed. What others made may be in use by a create of
    theirs, but no create takes longer than ``CREATING_AGE``.
    """
    if creator is not None and marks.get(labels.CREATOR) == creator:
        return True
    # Networks of an earlier os2 have no label of their create.
    if request is not None and marks.get(labels.REQUEST, request) == request:
        return True
    created = labels.moment(marks.get(labels.CREATED, ""))
    return created is None or datetime.now(UTC) - created > CREATING_AGE


def machine_busy(name: str) -> Conflict:
    """Return the error for a name that another process is creating a machine with."""
    return Conflict(
        f"another os2 process is creating machine {name}",
        hint="wait for it, or choose another name",
        code="machine_busy",
    )
