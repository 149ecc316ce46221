"""How long the server takes over what is asynchronous in the real one, in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Timing:
    """Scaled down, so that a test meets every state without waiting for it.

    With an engine, ``build``, ``pull``, ``boot`` and ``stop`` come on top of what the engine takes.
    """

    pending: float = 0.02
    """A new snapshot is ``pending``."""
    build: float = 0.1
    """A remote build runs, then the snapshot is ``active``."""
    build_timeout: float = 3600.0
    """A snapshot whose build nobody reports about is ``building``, then in ``error``."""
    pull: float = 0.1
    """An image is fetched, then the snapshot is ``active``."""
    create_block: float = 0.1
    """``POST /sandbox`` waits for the sandbox to start (30 s in the real one)."""
    start_block: float = 30.0
    """``POST /sandbox/{id}/start`` waits as long; of one from the archive it does not."""
    runner_block: float = 0.1
    """A build log's address waits for the build to have a runner (30 s in the real one)."""
    cron: float = 0.0
    """Jobs bring snapshots to their next state this often (10 s in the real one), else at once."""
    boot: float = 0.2
    """A sandbox is ``creating``, ``starting`` or ``restoring``."""
    stop: float = 0.05
    """A sandbox is ``stopping``."""
    archive: float = 0.05
    """A sandbox is ``archiving``."""
    delete: float = 0.2
    """A snapshot is ``removing``, a sandbox ``destroying`` (a 10 s job in the real one)."""
    grace: float = 0.3
    """What runs in a session that is deleted may end by itself (5 s in the real one)."""
    list_lag: float = 0.0
    """The list of sandboxes is behind (1 to 3 s in the real one)."""
    name_cache: float = 0.0
    """A name that was deleted stays 404 by name, also for a new sandbox (13 s in the real one)."""
    cooldown: float = 600.0
    """A snapshot that was activated can't be activated again."""
    log_end: float = 0.05
    """A log that is followed ends so long after its program (1 s in the real one)."""

    @classmethod
    def real(cls) -> Timing:
        """Return how long everything takes in the real one, where nothing needs to be built."""
        return cls(
            pending=0, build=0, pull=0, create_block=30, runner_block=30, cron=10, boot=0.7,
            stop=1, archive=26, delete=0, grace=5, list_lag=2, name_cache=13,
        )  # fmt: skip
