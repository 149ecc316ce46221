"""What a trial shows; without Docker's SDK, which takes long to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """What a machine on the engine gets; None: not known.

    ``reached``: this host reaches its port; ``supplied``: it has a file that it was sent;
    ``resolves``: it resolves a name that this host was asked to look for; ``ahead_seconds``: its
    clock, compared with this host's. ``unsent`` is why the engine takes no file for it.
    """

    reached: bool | None = None
    supplied: bool | None = None
    resolves: bool | None = None
    free_bytes: int | None = None
    ahead_seconds: float | None = None
    unsent: str | None = None
