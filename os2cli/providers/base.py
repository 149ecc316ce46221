"""What every provider offers: plain values in, frozen models out.

A provider does not print, does not read the environment and lets no foreign exception escape:
whatever goes wrong is an ``Os2Error``. Verbs are idempotent: starting a running machine and
removing a missing one succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from os2cli.models import (
    DEFAULT_RESOURCES,
    Address,
    Command,
    Health,
    Image,
    LogRequest,
    Machine,
    MachineSpec,
    MachineType,
    Snapshot,
    SnapshotResources,
    Streams,
)
from os2cli.progress import SILENT, Progress
from os2cli.terminal import Terminal


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


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """A Dockerfile, the repository around it and how the image is made from them.

    ``dockerfile`` is a path below ``root``; ``base_image`` None takes the default of the
    Dockerfile; ``platform`` None builds for the engine's own.
    """

    root: Path
    dockerfile: Path
    tag: str
    build_args: Mapping[str, str] = field(default_factory=dict)
    base_image: str | None = None
    platform: str | None = None
    no_cache: bool = False
    allow_secrets: bool = False


@dataclass(frozen=True, slots=True)
class BuildResult:
    """An image and whether this call built it; ``seconds`` is the time that took."""

    image: Image
    built: bool
    seconds: float


class SnapshotBuilder(Protocol):
    """Makes images; an unchanged request builds nothing."""

    def build(self, request: BuildRequest, progress: Progress = SILENT) -> BuildResult:
        """Return the image for ``request``, built now unless its key is there already."""
        ...

    def find(self, reference: str) -> Image | None:
        """The image of that name, or None."""
        ...

    def key(self, request: BuildRequest) -> str:
        """Name the inputs of a build: equal keys, equal images."""
        ...


@dataclass(frozen=True, slots=True)
class SnapshotContent:
    """What a snapshot is made from; ``key`` names the inputs and stands in it, to be found again.

    Either ``image``, which was pushed to the provider's registry, or ``dockerfile`` (its text) and
    ``contexts``, the digests under which build contexts lie in the provider's object store.
    """

    key: str
    image: str | None = None
    dockerfile: str | None = None
    contexts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A build for a snapshot, and what machines made from it get; ``force`` builds in any case."""

    build: BuildRequest
    resources: SnapshotResources = DEFAULT_RESOURCES
    force: bool = False


class PreparedContent(Protocol):
    """A snapshot's content that has been named but not sent yet."""

    @property
    def key(self) -> str:
        """Names the inputs: equal keys, equal snapshots."""
        ...

    def deliver(self, progress: Progress = SILENT) -> SnapshotContent:
        """Bring it to the provider: upload a context, or build an image and push it."""
        ...


class ContentSource(Protocol):
    """Makes a snapshot's content: on the provider's own builder, or on the local engine."""

    def prepare(self, request: PublishRequest, progress: Progress = SILENT) -> PreparedContent:
        """Read and check what would be sent; raises ``UsageError`` for what can't be built."""
        ...


class BuildLog(Protocol):
    """What a builder writes while a snapshot is made; it may be late or missing."""

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines that came, oldest first."""
        ...

    def followed(self, on_line: Callable[[str], None]) -> AbstractContextManager[None]:
        """Pass each line on, from a thread, while inside."""
        ...

    def settle(self, quiet_seconds: float, at_most_seconds: float) -> None:
        """Let the last lines arrive: wait until nothing comes for a while."""
        ...


class SnapshotStore(Protocol):
    """Published snapshots. Changes are asked for and take a while: the state tells."""

    def newest_first(self, prefix: str) -> Iterator[list[Snapshot]]:
        """Pages of snapshots, at least those whose names begin with ``prefix``, newest first."""
        ...

    def get(self, name: str) -> Snapshot:
        """One snapshot by name or id; raises ``NotFound``."""
        ...

    def create(self, name: str, content: SnapshotContent, resources: SnapshotResources) -> Snapshot:
        """Have a snapshot made; raises ``Conflict`` (``snapshot_exists``) for a taken name."""
        ...

    def activate(self, snapshot: Snapshot) -> None:
        """Bring back an inactive one."""
        ...

    def remove(self, snapshot: Snapshot, *, hurried: bool = False) -> None:
        """Ask for its removal; ``hurried`` gives up after a few seconds."""
        ...

    def build_log(self, snapshot: Snapshot) -> BuildLog:
        """The log of its build."""
        ...
