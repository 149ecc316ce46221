"""What a trial shows; without Docker's SDK, which takes long to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """What a machine on the engine gets; None: not known.

    ``reached``: this host reaches its port; ``mounted``: it sees a directory of this host;
    ``resolves``: it resolves a name that this host was asked to look for; ``ahead_seconds``: its
    clock, compared with this host's. ``unmounted`` is why the engine cannot mount.
    """

    reached: bool | None = None
    mounted: bool | None = None
    resolves: bool | None = None
    free_bytes: int | None = None
    ahead_seconds: float | None = None
    unmounted: str | None = None
