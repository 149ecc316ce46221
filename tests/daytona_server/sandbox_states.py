"""How a sandbox gets from one state to the next, in the background."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World


GONE = ("destroying", "destroyed")


class StartFailed(Exception):
    """The sandbox could not be started; its text is the reason."""


class Background:
    """Start work that goes on whether or not a client waits for it."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.failure: StartFailed | None = None

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, and keep how it failed."""
        try:
            await work
        except StartFailed as error:
            self.failure = error
        finally:
            self.done.set()

    async def within(self, seconds: float) -> None:
        """Wait so long for the end, and raise its failure."""
        try:
            await asyncio.wait_for(self.done.wait(), seconds)
        except TimeoutError:
            return
        if self.failure is not None:
            raise self.failure


def taking_place(world: World, work: Coroutine[Any, Any, None]) -> Background:
    """Begin ``work`` in the background."""
    background = Background()
    world.spawn(background.run(work))
    return background


def go(world: World, sandbox: SandboxRecord, state: str) -> None:
    """Change the state; from the end there is no way back."""
    if sandbox.state in GONE:
        return
    if sandbox.state != state:
        sandbox.used = world.now()
    sandbox.state = state
    sandbox.updated = world.now()
    world.index.touch(sandbox)


async def halt(world: World, sandbox: SandboxRecord) -> None:
    """End what runs in a sandbox; with a container the engine does that."""
    for session in sandbox.sessions.values():
        session.over.set()
    sandbox.sessions.clear()
    await world.in_thread(world.places.halt, sandbox)


async def boot(
    world: World, sandbox: SandboxRecord, work: Callable[[SandboxRecord], None] | None
) -> None:
    """Bring a sandbox to ``started``, or to ``error`` with a reason.

    Raises:
        StartFailed: it is in ``error`` now.
    """
    await world.pause(world.timing.boot)
    try:
        if world.fail_starts > 0:
            world.fail_starts -= 1
            raise StartFailed("runner could not start the container")
        if work is not None:
            await world.in_thread(work, sandbox)
            if sandbox.state in GONE and world.engine is not None:
                # It was destroyed before it had a container.
                await world.in_thread(world.engine.remove, sandbox)
        else:
            sandbox.log += ["starting: " + " ".join(sandbox.entrypoint), "listening on port 3000"]
    except StartFailed as error:
        sandbox.error_reason = str(error)
        go(world, sandbox, "error")
        raise
    sandbox.error_reason = None
    # A link from before no longer opens a private preview.
    sandbox.token = secrets.token_hex(16)
    go(world, sandbox, "started")
