"""Protocols for building images and publishing snapshots: plain values in, models out.

As with machines, implementations do not print, do not read the environment and raise ``Os2Error``
only.
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
    """A Dockerfile, the repository around it and the options of the build.

    ``dockerfile`` is a path below ``root``; ``base_image`` None takes the default of the
    Dockerfile; ``platform`` None builds for the engine's own. ``repository`` is the repository's
    id, None if it does not matter whose image has the tag. ``take_over``: the user agreed that
    any image with the tag is used or replaced.

    ``secrets`` are for steps that mount them, by id. They are not an input: neither the image nor
    its key holds anything of them. ``ssh_agents`` are the sockets of agents, by id as well.
    ``target`` is the stage to build, None for the last. ``pull`` builds, on images that registries
    have now. ``base_from_packages``: one built from packages may replace the default base of os2's
    own Dockerfile where its registry cannot be reached. ``with_git`` sends a clean ``.git``.
    """

    root: Path
    dockerfile: Path
    tag: str
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    ssh_agents: Mapping[str, Path] = field(default_factory=dict)
    target: str | None = None
    base_image: str | None = None
    platform: str | None = None
    no_cache: bool = False
    pull: bool = False
    base_from_packages: bool = True
    allow_secrets: bool = False
    with_git: bool = False
    repository: str | None = None
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class BuildResult:
    """An image, whether this call built it, and the time in seconds."""

    image: Image
    built: bool
    seconds: float


class SnapshotBuilder(Protocol):
    """Builds images; an unchanged request builds nothing."""

    def build(self, request: BuildRequest, progress: Progress = SILENT) -> BuildResult:
        """Return the image for ``request``; build it unless one with its key exists."""
        ...

    def find(self, reference: str) -> Image | None:
        """Return the image of that name, or None."""
        ...

    def base(self, request: BuildRequest) -> str | None:
        """Return the name of the image that a build begins with, if it is there already."""
        ...

    def key(self, request: BuildRequest) -> str:
        """Return the digest of a build's inputs: equal keys, equal images."""
        ...


@dataclass(frozen=True, slots=True)
class SnapshotContent:
    """The content of a snapshot; ``key`` is the digest of its inputs and is part of the content.

    Either ``image``, pushed to the provider's registry, or ``dockerfile`` (its text) and
    ``contexts``, the digests of build contexts in the provider's object store.
    """

    key: str
    image: str | None = None
    dockerfile: str | None = None
    contexts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A build for a snapshot of ``stage``, and its resources.

    ``force`` builds it even if unchanged.
    """

    build: BuildRequest
    resources: SnapshotResources = DEFAULT_RESOURCES
    force: bool = False
    stage: str = ""


class PreparedContent(Protocol):
    """A snapshot's content with its key, not yet sent."""

    @property
    def key(self) -> str:
        """The digest of the inputs: equal keys, equal snapshots."""
        ...

    def deliver(self, progress: Progress = SILENT) -> SnapshotContent:
        """Upload the context, or build and push the image."""
        ...


class ContentSource(Protocol):
    """A source of snapshot content: the provider's own builder, or the local engine."""

    def prepare(self, request: PublishRequest, progress: Progress = SILENT) -> PreparedContent:
        """Read and check the content; raise ``UsageError`` if it cannot be built."""
        ...


class BuildLog(Protocol):
    """The log of a snapshot's build; it may be late or missing."""

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines received, oldest first."""
        ...

    def followed(self, on_line: Callable[[str], None]) -> AbstractContextManager[None]:
        """Pass each line on, from a thread, inside the block."""
        ...

    def drain(self, quiet_seconds: float, at_most_seconds: float) -> None:
        """Wait until no line arrives for ``quiet_seconds``."""
        ...


class SnapshotStore(Protocol):
    """Published snapshots; changes are asynchronous and show in the state."""

    def newest_first(self, prefix: str) -> Iterator[list[Snapshot]]:
        """Yield pages of snapshots, at least those with the name prefix, newest first."""
        ...

    def get(self, name: str) -> Snapshot:
        """Return a snapshot by name or id; raise ``NotFound``."""
        ...

    def create(self, name: str, content: SnapshotContent, resources: SnapshotResources) -> Snapshot:
        """Request a snapshot; raise ``Conflict`` (``snapshot_exists``) for a taken name."""
        ...

    def activate(self, snapshot: Snapshot) -> None:
        """Request the activation of an inactive snapshot."""
        ...

    def remove(self, snapshot: Snapshot, *, hurried: bool = False) -> None:
        """Request the removal; ``hurried`` gives up after a few seconds."""
        ...

    def build_log(self, snapshot: Snapshot) -> BuildLog:
        """Return the log of its build."""
        ...
