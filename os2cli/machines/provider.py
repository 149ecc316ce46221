"""The protocol of a provider: plain values in, frozen models out.

A provider does not print, does not read the environment and raises ``Os2Error`` only. Its methods
are idempotent: starting a running machine and removing a missing one succeed.
"""

from __future__ import annotations

import builtins
from collections.abc import Generator, Iterator
from typing import BinaryIO, Protocol

from os2cli.core.errors import UsageError
from os2cli.core.limits import Usage
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
from os2cli.machines.omissions import Omissions


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
        """List the machines with our labels, sorted by name."""
        ...

    def get(self, name: str) -> Machine:
        """Return a machine; raise ``NotFound`` if there is none of that name."""
        ...

    def start(self, name: str, within: float | None = None) -> Machine:
        """Start a stopped machine on its port; leave a running one as it is.

        ``within`` is the timeout in seconds, else the provider's own; raises ``TimedOut``.
        """
        ...

    def start_on(self, name: str, port: int, within: float | None = None) -> Machine:
        """Start a stopped machine on another port of this host, which it keeps from then on.

        Raises:
            Conflict: the machine runs, or the port is taken.
            UsageError: the provider's machines have no port of this host.
        """
        ...

    def stop(self, name: str, within: float | None = None) -> Machine:
        """Stop a running machine; leave a stopped one as it is. ``within`` as for ``start``."""
        ...

    def archive(self, name: str, within: float | None = None) -> Machine:
        """Move a machine to cheap storage; stop it where the provider has none."""
        ...

    def remove(self, name: str, within: float | None = None) -> bool:
        """Remove a machine and verify that it is gone; return False if there was none.

        ``within`` is the timeout in seconds, else the provider's own; raises ``TimedOut``. It is
        for machines whose create failed: what is left should be found by ``machine prune``.
        """
        ...

    def remnants(self) -> builtins.list[Machine]:
        """Return what is left of machines that no longer exist, for ``remove_remnant``."""
        ...

    def remove_remnant(self, name: str) -> bool:
        """Remove what is left of a machine; return False if there is none, or the machine exists.

        It may exist: it was made since, or the list that lacked it was not whole.
        """
        ...

    def usage(self, machine: Machine, *, disk: bool) -> Usage:
        """Return what a running machine uses; ``disk`` asks also for its files, which is slow."""
        ...

    def memory_kills(self, machine: Machine) -> int:
        """Return how many programs of a running machine were killed for memory, as far as known."""
        ...

    def probe(self, machine: Machine) -> Health:
        """Ask the daemon for its health once, briefly; never raise if it does not answer."""
        ...

    def address(self, machine: Machine) -> str | None:
        """Look up the daemon's URL, for machines listed without one; None: it has none."""
        ...

    def reach(self, machine: Machine, port: int, signed_seconds: int | None = None) -> Address:
        """Return the address of a running machine's port; a signed URL opens it without a token.

        Raises:
            Conflict: the machine is not running, or the port cannot be reached from outside.
            UsageError: the provider has no signed URLs.
        """
        ...

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """Return the last lines of the machine's log, oldest first."""
        ...

    def logs(self, name: str, request: LogRequest) -> Iterator[str]:
        """Yield lines of a log without line ends, oldest first.

        Raises:
            Conflict: the log cannot be read while the machine is stopped.
            NotFound: the service has no log.
        """
        ...

    def execute(self, name: str, command: Command, streams: Streams) -> int:
        """Run a program in the machine and return its exit code, as soon as it ends.

        All that it wrote until then is passed on. What it put in the background runs until the
        machine stops. An interrupt ends what is in the foreground.

        Raises:
            Conflict: the machine is not running.
        """
        ...

    def shell(self, name: str, terminal: Terminal) -> int:
        """Attach the terminal to a shell in the machine, and return the shell's exit code."""
        ...

    def send(self, name: str, archive: BinaryIO, folder: str) -> None:
        """Unpack a tar into a directory of the machine, as the machine's user."""
        ...

    def fetch(self, name: str, path: str) -> Generator[bytes, None, Omissions]:
        """Yield a tar of a file or a directory of the machine, under its base name.

        The generator returns what the machine's user could not pack.
        """
        ...


class WithoutInsight:
    """The answers of a provider that leaves no remnants and does not measure its machines."""

    def remnants(self) -> list[Machine]:
        """Return none."""
        return []

    def remove_remnant(self, name: str) -> bool:
        """Return False: there is none."""
        del name
        return False

    def usage(self, machine: Machine, *, disk: bool) -> Usage:
        """Return only the limits."""
        del disk
        return Usage(limits=machine.limits)

    def memory_kills(self, machine: Machine) -> int:
        """Return 0: it is not known."""
        del machine
        return 0


class WithoutHostPort:
    """The answer of a provider whose machines have no port of this host."""

    def start_on(self, name: str, port: int, within: float | None = None) -> Machine:
        """Raise ``UsageError``."""
        del port, within
        raise UsageError(
            "--port is only for machines on this host",
            hint=f"leave it out: os2 machine start {name}",
            code="option_invalid",
        )
