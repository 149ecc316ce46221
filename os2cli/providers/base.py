"""What every provider offers: plain values in, frozen models out.

A provider does not print, does not read the environment and lets no foreign exception escape:
whatever goes wrong is an ``Os2Error``. Verbs are idempotent: starting a running machine and
removing a missing one succeed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from os2cli.models import Health, Image, Machine, MachineSpec, MachineType
from os2cli.progress import SILENT, Progress


class MachineProvider(Protocol):
    """Creates, finds and removes machines; the provider's own labels are the only record."""

    type: MachineType

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        """Create a machine and start it.

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

    def start(self, name: str) -> Machine:
        """Start a stopped machine on the port that it had; a running one stays as it is."""
        ...

    def stop(self, name: str) -> Machine:
        """Stop a running machine; a stopped one stays as it is."""
        ...

    def remove(self, name: str) -> bool:
        """Remove a machine and verify that it is gone; False when there was none."""
        ...

    def probe(self, machine: Machine) -> Health:
        """Ask the daemon inside once, briefly; never raises because it does not answer."""
        ...

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines that the machine wrote, oldest first."""
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
