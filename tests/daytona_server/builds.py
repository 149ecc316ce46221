"""How a snapshot comes to be: a remote build, or an image that is fetched."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from tests.daytona_server.build_logs import BuildLog
from tests.daytona_server.records import RUNNER
from tests.daytona_server.snapshot_rules import IDLE

if TYPE_CHECKING:
    from tests.daytona_server.records import SnapshotRecord
    from tests.daytona_server.state import World

# What the runner puts before why a build failed.
PREFIX = "unprocessable entity: "
_INSTRUCTION = re.compile(r"(?m)^(?:FROM|RUN|COPY|ADD|WORKDIR) .*$")


class BuildFailed(Exception):
    """A build or a pull that ended badly; its text is the ``errorReason``."""

    def __init__(self, reason: str, state: str = "error") -> None:
        super().__init__(reason)
        self.state = state


async def run_build(world: World, record: SnapshotRecord) -> None:
    """Take a snapshot from ``pending`` over ``building`` to ``active`` or ``error``."""
    assert record.build_hash is not None
    if not await _picked_up(world, record):
        return
    _go(world, record, "building")
    if record.build_hash in world.under_construction:
        await _hear_nothing(world, record)
        return
    # Of an earlier build of the same hash, the lines stay.
    log = world.build_logs.setdefault(record.build_hash, BuildLog())
    world.under_construction.add(record.build_hash)
    try:
        image = await _build(world, record, log)
    except BuildFailed as error:
        log.write(f"ERROR: {error}")
        await world.job()
        _fail(world, record, f"{PREFIX}{error}", error.state)
        return
    finally:
        world.under_construction.discard(record.build_hash)
    world.built[record.build_hash] = image
    log.succeeded = True
    await world.job()
    if _still(world, record, "building"):
        record.image = image
        activate(world, record)


async def _hear_nothing(world: World, record: SnapshotRecord) -> None:
    """Wait in vain: the end of a build is told to one of the snapshots that want it."""
    await world.pause(world.timing.build_timeout)
    if _still(world, record, "building"):
        _fail(world, record, "Timeout while building snapshot", "error")


async def _picked_up(world: World, record: SnapshotRecord) -> bool:
    """Wait for the job that gives a runner to a new snapshot; False when it was removed first."""
    await world.pause(world.timing.pending)
    await world.job()
    if not _still(world, record, "pending"):
        return False
    record.runner = RUNNER
    return True


def activate(world: World, record: SnapshotRecord) -> None:
    """Let sandboxes be made from a snapshot; that counts as a use of it."""
    record.last_used = world.now()
    _go(world, record, "active")


async def _build(world: World, record: SnapshotRecord, log: BuildLog) -> str | None:
    if world.engine is None:
        await world.in_thread(_check_contexts, world, record)
        await _pretend(world, record, log)
        record.size = 0.1
        return None
    _fail_if_arranged(world, log)
    image = await world.in_thread(world.engine.build, world, record, log.write)
    record.size = round(world.engine.image_size(image) / 1e9, 3)
    await world.pause(world.timing.build)
    return image


def _check_contexts(world: World, record: SnapshotRecord) -> None:
    """Without an engine the contexts aren't read, but they must have been uploaded."""
    there = world.storage.keys() if world.storage and record.context_hashes else []
    for hash_ in record.context_hashes:
        if f"{world.organization_id}/{hash_}/context.tar" not in there:
            raise BuildFailed(f"context not found: {hash_}")


async def _pretend(world: World, record: SnapshotRecord, log: BuildLog) -> None:
    """Return a log as BuildKit writes it, one step for each instruction."""
    log.write("#1 [internal] load build definition from Dockerfile")
    log.write("#1 DONE 0.0s")
    steps = _INSTRUCTION.findall(record.dockerfile or "")
    for number, step in enumerate(steps, start=1):
        log.write(f"#{number + 1} [{number}/{len(steps)}] {step}")
        await world.pause(world.timing.build / len(steps))
        if number == len(steps):
            await _while_held(world)
            _fail_if_arranged(world, log)
        log.write(f"#{number + 1} DONE 0.1s")
    log.write(f"#{len(steps) + 2} exporting to image")
    log.write(f"#{len(steps) + 2} DONE 0.1s")


async def _while_held(world: World) -> None:
    while world.builds_held and not world.closing.is_set():
        await asyncio.sleep(0.01)


def _fail_if_arranged(world: World, log: BuildLog | None) -> None:
    if world.failing_builds:
        failing = world.failing_builds.pop(0)
        if log is not None:
            for line in failing.log:
                log.write(line)
        raise BuildFailed(failing.reason, failing.state)


async def fetch_image(world: World, record: SnapshotRecord) -> None:
    """Take a snapshot from ``pending`` over ``pulling`` to ``active`` or ``error``."""
    if not await _picked_up(world, record):
        return
    _go(world, record, "pulling")
    try:
        await world.pause(world.timing.pull)
        _fail_if_arranged(world, None)
        if world.engine is not None:
            record.image = await world.in_thread(world.engine.fetch, world, record)
            record.entrypoint = record.entrypoint or world.engine.image_entrypoint(record.image)
            record.size = round(world.engine.image_size(record.image) / 1e9, 3)
    except BuildFailed as error:
        await world.job()
        _fail(world, record, str(error), error.state)
        return
    record.entrypoint = record.entrypoint or list(IDLE)
    await world.job()
    if _still(world, record, "pulling"):
        activate(world, record)


def _still(world: World, record: SnapshotRecord, state: str) -> bool:
    """Tell whether no removal has started in the meantime."""
    return record.id in world.snapshots_by_id and record.state == state


def _go(world: World, record: SnapshotRecord, state: str) -> None:
    record.state = state
    record.updated = world.now()


def _fail(world: World, record: SnapshotRecord, reason: str, state: str) -> None:
    if record.id in world.snapshots_by_id and record.state != "removing":
        record.error_reason = reason
        _go(world, record, state)
