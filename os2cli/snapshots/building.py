"""What makes the images and snapshots that machines are made from: plain values in, models out.

As with machines, nothing of it prints, reads the environment or lets a foreign exception escape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from os2cli.core.models import DEFAULT_RESOURCES, Image, Snapshot, SnapshotResources
from os2cli.core.progress import SILENT, Progress


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

    def drain(self, quiet_seconds: float, at_most_seconds: float) -> None:
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
