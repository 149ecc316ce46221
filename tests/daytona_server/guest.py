"""The inside of a sandbox as the toolbox's own part there needs it: shells, files and signals."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World


class Shell(ABC):
    """The shell of a session, which reads its commands from a pipe."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    @abstractmethod
    async def write(self, text: bytes) -> None:
        """Give it commands.

        Raises:
            BrokenPipeError: it no longer reads.
        """

    @abstractmethod
    async def terminate(self, grace: float) -> None:
        """Ask its group to end, and kill what of it is left when ``grace`` seconds are over."""


class Guest(ABC):
    """The inside of one sandbox; ``folder`` is the toolbox's own there."""

    folder: str

    @abstractmethod
    async def open_shell(self) -> Shell:
        """Start the shell of a session."""

    @abstractmethod
    async def put(self, folder: str, files: dict[str, bytes]) -> None:
        """Make a folder with these files in it."""

    @abstractmethod
    async def read(self, path: str) -> bytes | None:
        """Return a file's content; None if there is no such file."""

    @abstractmethod
    def follow(self, path: str, end: str | None) -> AsyncGenerator[bytes]:
        """Yield a file as it grows, until there is something in the file ``end``."""

    @abstractmethod
    async def feed(self, pipe: str, data: bytes) -> bool:
        """Write to a named pipe once something reads it; False if there is no such pipe."""

    @abstractmethod
    async def append(self, path: str, data: bytes) -> None:
        """Add to a file."""

    @abstractmethod
    async def remove(self, folder: str) -> None:
        """Remove a folder with all that is in it."""


def guest(world: World, sandbox: SandboxRecord) -> Guest:
    """Return the inside of a sandbox that is started."""
    if world.engine is None:
        from tests.daytona_server.host_guest import HostGuest

        return HostGuest(world, world.places.of(sandbox))
    from tests.daytona_server.engine_guest import EngineGuest

    return EngineGuest(world, sandbox)
