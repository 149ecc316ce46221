"""What every provider offers: plain values in, frozen models out.

A provider does not print, does not read the environment and lets no foreign exception escape:
whatever goes wrong is an ``Os2Error``. Verbs are idempotent: starting a running machine and
removing a missing one succeed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from os2cli.core.models import (
    Address,
    Command,
    Health,
    LogRequest,
    Machine,
    MachineSpec,
    MachineType,
    Streams,
)
from os2cli.core.progress import SILENT, Progress
from os2cli.host.tty import Terminal


class MachineProvider(Protocol):
    """Creates, finds and removes machines; the provider's own labels are the only record.

    ``poll_seconds`` is how long to wait before asking for a state again.
    """

    type: MachineType
    poll_seconds: float

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        """Create a machine and start it; it may still be starting when this returns.

        Raises:
            Conflict: the name or the port is taken.
            NotFound: the snapshot does not exist.
        """
        ...

    def list(self) -> list[Machine]:
        """Every machine of ours, sorted by name; nothing that lacks our labels."""
        ...

    def get(self, name: str) -> Machine:
        """One machine; raises ``NotFound`` when there is none of that name."""
        ...

    def start(self, name: str, within: float | None = None) -> Machine:
        """Start a stopped machine on the port that it had; a running one stays as it is.

        ``within`` is the time for that in seconds, else the provider's own; raises ``TimedOut``.
        """
        ...

    def stop(self, name: str, within: float | None = None) -> Machine:
        """Stop a running machine; a stopped one stays as it is. ``within`` as for ``start``."""
        ...

    def archive(self, name: str, within: float | None = None) -> Machine:
        """Put a machine away so that it costs least; where that can't be, it is stopped."""
        ...

    def remove(self, name: str, within: float | None = None) -> bool:
        """Remove a machine and verify that it is gone; False when there was none.

        ``within`` is the time for that in seconds, else the provider's own; raises ``TimedOut``.
        """
        ...

    def probe(self, machine: Machine) -> Health:
        """Ask the daemon inside once, briefly; never raises because it does not answer."""
        ...

    def address(self, machine: Machine) -> str | None:
        """The URL of the daemon inside, where the listing did not tell; None: it has none."""
        ...

    def reach(self, machine: Machine, port: int, signed_seconds: int | None = None) -> Address:
        """Where a port of a running machine is reached; signed, the URL alone opens it for a while.

        Raises:
            Conflict: the machine does not run, or nobody outside of it can reach that port.
            UsageError: there are no signed addresses here.
        """
        ...

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines that the machine wrote, oldest first."""
        ...

    def logs(self, name: str, request: LogRequest) -> Iterator[str]:
        """Lines of a log without their ends, oldest first.

        Raises:
            Conflict: it can't be read while the machine is stopped.
            NotFound: the service has no log.
        """
        ...

    def execute(self, name: str, command: Command, streams: Streams) -> int:
        """Run a program in the machine and return its exit code; ended here, it ends there.

        Raises:
            Conflict: the machine does not run.
        """
        ...

    def shell(self, name: str, terminal: Terminal) -> int:
        """Let the terminal be one in the machine until its shell ends; returns its exit code."""
        ...

    def send(self, name: str, archive: BinaryIO, folder: str) -> None:
        """Unpack a tar into a folder of the machine, as the machine's own user."""
        ...

    def fetch(self, name: str, path: str) -> Iterator[bytes]:
        """A tar of a file or a folder of the machine, under its last name."""
        ...
