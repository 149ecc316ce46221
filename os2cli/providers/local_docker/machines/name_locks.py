"""The locks of machines' names, and which creates are still at work."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.errors import Conflict
from os2cli.host.locks import exclusive, is_held
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
            raise Conflict(
                f"another os2 process is creating machine {name}",
                hint="wait for it, or choose another name",
                code="machine_busy",
            )

        return exclusive(self.folder, f"machine {name}", on_busy=refuse)

    def is_abandoned(self, name: str, marks: Mapping[str, str]) -> bool:
        """Return whether the create of a container that never started has provably ended.

        A creator with other locks may be at work: another user, or one on another host.
        """
        ours = marks.get(labels.CREATOR) == self.creator
        return ours and not is_held(self.folder, f"machine {name}")
