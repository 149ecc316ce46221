"""The routes that make, show and delete sandboxes."""

from __future__ import annotations

import re
import time
import uuid
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.daytona_server.errors import ApiError, bad_request, conflict
from tests.daytona_server.records import OPEN_NETWORK, SandboxRecord, SnapshotRecord
from tests.daytona_server.regions import region
from tests.daytona_server.sandbox_states import GONE, StartFailed, boot, go, halt, taking_place

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

_INTERVALS = {
    "autoStopInterval": 15,
    "autoPauseInterval": 0,
    "autoArchiveInterval": 7 * 24 * 60,
    "autoDeleteInterval": -1,
}
_WHAT = {
    "autoStopInterval": "Auto-stop",
    "autoPauseInterval": "Auto-pause",
    "autoArchiveInterval": "Auto-archive",
}
# What other people would see in a mail or on a page: no tags, no addresses, no control characters.
_UNSAFE = re.compile(
    r"<[a-zA-Z/][^>]*>"
    r"|(https?|ftps?|sftp|ssh|wss?|file|ldaps?)://|(javascript|data|mailto|tel):|www\."
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",
    re.IGNORECASE,
)


async def create_sandbox(world: World, call: Call) -> Any:
    """``POST /sandbox``: answers when it has started, or after a while all the same."""
    body = call.json
    name = body.get("name") or ""
    if _UNSAFE.search(name):
        raise bad_request("name must not contain HTML tags, URLs, or control characters")
    snapshot = _usable_snapshot(world, body)
    for key in _WHAT:
        check_interval(key, body.get(key, 0))
    if body.get("ttlMinutes", 0) < 0:
        raise bad_request("ttlMinutes must be a non-negative integer")
    if name and world.sandbox_named(name) is not None:
        raise conflict(f"Sandbox with name {name} already exists")
    sandbox = _new_record(world, body, snapshot)
    world.sandboxes_by_id[sandbox.id] = sandbox
    snapshot.last_used = world.now()
    world.index.touch(sandbox)
    booting = taking_place(world, _first_boot(world, sandbox))
    try:
        await booting.within(world.timing.create_block)
    except StartFailed as error:
        raise bad_request(f"Sandbox failed to start: {error}") from error
    return sandbox.document()


def check_interval(key: str, minutes: float) -> None:
    """Refuse a negative interval, where that doesn't mean never."""
    if key in _WHAT and minutes < 0:
        raise bad_request(f"{_WHAT[key]} interval must be non-negative")


def _usable_snapshot(world: World, body: dict[str, Any]) -> SnapshotRecord:
    if body.get("buildInfo"):
        raise ApiError(501, "This test server makes sandboxes from snapshots only")
    if any(body.get(size) for size in ("cpu", "gpu", "memory", "disk")):
        raise bad_request("Cannot specify Sandbox resources when using a snapshot")
    where = region(world, body.get("target"))
    wanted = (body.get("snapshot") or "").strip() or "daytona-small"
    try:
        snapshot = world.snapshot(wanted)
    except ApiError:
        raise bad_request(
            f"Snapshot {wanted} not found. Did you add it through the Daytona Dashboard?"
        ) from None
    if snapshot.region != where and not snapshot.general:
        raise bad_request(f"Snapshot {wanted} is not available in region {where}")
    if snapshot.state != "active":
        raise bad_request(f"Snapshot {wanted} is {snapshot.state}")
    return snapshot


def _new_record(world: World, body: dict[str, Any], snapshot: SnapshotRecord) -> SandboxRecord:
    id_ = str(uuid.uuid4())
    now = world.now()
    minutes = body.get("ttlMinutes", 0)
    network = {key: body.get(key, default) for key, default in OPEN_NETWORK.items()}
    return SandboxRecord(
        id=id_,
        name=body.get("name") or id_,
        organization_id=world.organization_id,
        snapshot=snapshot.name,
        state="creating",
        created=now,
        destroy_at=now + timedelta(minutes=minutes) if minutes else None,
        number=world.next_number(),
        toolbox_url=f"{world.origin}/toolbox",
        env=dict(body.get("env") or {}),
        labels=dict(body.get("labels") or {}),
        public=bool(body.get("public")),
        user=body.get("user") or "daytona",
        target=region(world, body.get("target")),
        cpu=snapshot.cpu,
        gpu=snapshot.gpu,
        memory=snapshot.memory,
        disk=snapshot.disk,
        intervals={key: body.get(key, default) for key, default in _INTERVALS.items()},
        network=network,
        queue_timeout=body.get("queueTimeout"),
        volumes=list(body.get("volumes") or []),
        image=snapshot.image,
        entrypoint=list(snapshot.entrypoint or []),
    )


async def _first_boot(world: World, sandbox: SandboxRecord) -> None:
    engine = world.engine
    work = None if engine is None else partial(engine.create, world)
    await boot(world, sandbox, work)


async def get_sandbox(world: World, call: Call) -> Any:
    """``GET /sandbox/{id or name}``."""
    return world.sandbox(call.param("id")).document()


async def delete_sandbox(world: World, call: Call) -> Any:
    """``DELETE /sandbox/{id or name}``: the name is free at once, the rest takes a while."""
    sandbox = world.sandbox(call.param("id"))
    if sandbox.state == "destroying":
        return sandbox.document()
    if sandbox.changing:
        raise conflict("Sandbox state change in progress")
    return start_destroying(world, sandbox).document()


def start_destroying(world: World, sandbox: SandboxRecord) -> SandboxRecord:
    """Free the name, and let the rest go in a while."""
    if world.timing.name_cache > 0:
        world.gone_names[sandbox.name] = time.monotonic() + world.timing.name_cache
    sandbox.deleted_name = sandbox.name
    sandbox.name = f"DESTROYED_{sandbox.name}_{time.time_ns() // 1_000_000}"
    sandbox.desired = "destroyed"
    go(world, sandbox, "destroying")
    world.spawn(_destroy(world, sandbox))
    return sandbox


def destroy_overdue(world: World) -> None:
    """Destroy every sandbox whose time is over, in any state."""
    now = world.now()
    for sandbox in world.sandboxes:
        overdue = sandbox.destroy_at is not None and sandbox.destroy_at <= now
        if overdue and sandbox.state not in GONE:
            start_destroying(world, sandbox)


async def _destroy(world: World, sandbox: SandboxRecord) -> None:
    await halt(world, sandbox)
    if world.engine is not None:
        await world.in_thread(world.engine.remove, sandbox)
    await world.pause(world.timing.delete)
    sandbox.state = "destroyed"
    world.sandboxes_by_id.pop(sandbox.id, None)
    world.index.touch(sandbox)
