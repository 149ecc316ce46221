"""The routes of snapshots."""

from __future__ import annotations

import math
import time
import uuid
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from tests.daytona_server.build_logs import log_response
from tests.daytona_server.builds import activate, fetch_image, run_build
from tests.daytona_server.errors import ApiError, bad_request, conflict, not_found
from tests.daytona_server.records import RUNNER, SnapshotRecord
from tests.daytona_server.regions import region
from tests.daytona_server.snapshot_rules import (
    build_hash,
    check_image_name,
    check_limits,
    check_name,
    check_sizes,
    entrypoint_of,
    ilike,
    in_order,
)
from tests.daytona_server.uuids import is_uuid

RUNNER_POLL_SECONDS = 0.01

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World


async def list_snapshots(world: World, call: Call) -> Any:
    """``GET /snapshots``."""
    page = int(float(call.query("page", "1")))
    limit = int(float(call.query("limit", "100")))
    matches = ilike(call.query("name"))
    found = [record for record in world.snapshots if matches(record.name)]
    ordered = in_order(found, call.query("sort", "lastUsedAt"), call.query("order", "desc"))
    return {
        "items": [record.document() for record in ordered[(page - 1) * limit : page * limit]],
        "total": len(ordered),
        "page": page,
        "totalPages": math.ceil(len(ordered) / limit),
    }


async def get_snapshot(world: World, call: Call) -> Any:
    """``GET /snapshots/{id or name}``."""
    return world.snapshot(call.param("id")).document()


async def create_snapshot(world: World, call: Call) -> Any:
    """``POST /snapshots``, from an image or from a Dockerfile with its context."""
    body = call.json
    build = body.get("buildInfo")
    _check_source(body)
    where = region(world, body.get("regionId"))
    check_name(body["name"])
    if build is None:
        check_image_name(body["imageName"])
    check_limits(body, world.sandbox_limits)
    _check_quota(world)
    check_sizes(body)
    if any(record.name == body["name"] for record in world.snapshots if not record.general):
        raise conflict(f'Snapshot with name "{body["name"]}" already exists for this organization')
    record = _new_record(world, body, where)
    if build is None:
        record.image_name = body["imageName"]
        record.entrypoint = body.get("entrypoint") or None
        world.spawn(fetch_image(world, record))
    else:
        _build(world, record, build)
    world.snapshots_by_id[record.id] = record
    return record.document()


def _check_source(body: dict[str, Any]) -> None:
    """Refuse an image with a build, neither of them, and what only an image may have."""
    if body.get("buildInfo") is not None:
        if body.get("imageName"):
            raise bad_request("Cannot specify an image name when using a build info entry")
        # An empty list counts as one.
        if body.get("entrypoint") is not None:
            raise bad_request("Cannot specify an entrypoint when using a build info entry")
    elif not body.get("imageName"):
        raise bad_request("Must specify an image name when not using a build info entry")


def _check_quota(world: World) -> None:
    quota = world.snapshot_quota
    counted = [
        record
        for record in world.snapshots
        if not record.general and record.state not in ("error", "build_failed", "inactive")
    ]
    if quota is not None and len(counted) >= quota:
        raise bad_request(f"Snapshot quota exceeded. Maximum allowed: {quota}")


def _new_record(world: World, body: dict[str, Any], where: str) -> SnapshotRecord:
    return SnapshotRecord(
        id=str(uuid.uuid4()),
        name=body["name"],
        state="pending",
        created=world.now(),
        number=world.next_number(),
        organization_id=world.organization_id,
        region=where,
        cpu=int(body.get("cpu") or 1),
        gpu=int(body.get("gpu") or 0),
        memory=int(body.get("memory") or 1),
        disk=int(body.get("disk") or 3),
    )


def _build(world: World, record: SnapshotRecord, build: dict[str, Any]) -> None:
    record.dockerfile = build["dockerfileContent"]
    record.context_hashes = tuple(build.get("contextHashes") or ())
    record.build_hash = build_hash(build["dockerfileContent"], record.context_hashes)
    record.entrypoint = entrypoint_of(build["dockerfileContent"])
    if record.build_hash in world.built:
        record.image = world.built[record.build_hash]
        record.runner = RUNNER
        activate(world, record)
    else:
        world.spawn(run_build(world, record))


async def delete_snapshot(world: World, call: Call) -> Any:
    """``DELETE /snapshots/{id}``: the name stays taken until a job has removed it."""
    record = world.snapshot_by_uuid(call.param("id"))
    if record.general:
        raise ApiError(403, "You cannot delete a general snapshot")
    if record.state != "removing":
        record.state = "removing"
        record.updated = world.now()
        world.spawn(_remove(world, record))


async def _remove(world: World, record: SnapshotRecord) -> None:
    await world.pause(world.timing.delete)
    await world.job()
    world.snapshots_by_id.pop(record.id, None)


async def activate_snapshot(world: World, call: Call) -> Any:
    """``POST /snapshots/{id}/activate``: from ``inactive`` only, and not again too soon."""
    record = world.snapshot_by_uuid(call.param("id"))
    if record.state == "active":
        raise bad_request(f"Snapshot {record.id} is already active")
    if record.state != "inactive":
        raise bad_request(
            f"Snapshot {record.id} cannot be activated - it is in {record.state} state"
        )
    _check_quota(world)
    before = record.activated_at
    if before is not None and time.monotonic() - before < world.timing.cooldown:
        raise bad_request(f"Snapshot {record.id} was activated recently. Please try again later")
    record.activated_at = time.monotonic()
    record.state = "active"
    record.updated = record.last_used = world.now()
    return record.document()


async def deactivate_snapshot(world: World, call: Call) -> Any:
    """``POST /snapshots/{id}/deactivate``."""
    record = world.snapshot_by_uuid(call.param("id"))
    if record.state not in ("active", "inactive"):
        raise bad_request(
            f"Snapshot {record.id} cannot be deactivated - it is in {record.state} state"
        )
    record.state = "inactive"
    record.updated = world.now()
    return Response(status_code=204)


async def build_logs_url(world: World, call: Call) -> Any:
    """``GET /snapshots/{id}/build-logs-url``: waits for a runner, and gives up in the end."""
    record = _built_snapshot(world, call)
    await _wait_for_runner(world, record)
    origin = world.other_origin if world.foreign_logs else world.origin
    return {"url": f"{origin}/logs/{record.id}"}


async def build_logs(world: World, call: Call) -> Any:
    """``GET /snapshots/{id}/build-logs``, the older way: empty once the snapshot is active."""
    record = _built_snapshot(world, call)
    if record.state == "active":
        return Response("", media_type="text/plain")
    await _wait_for_runner(world, record)
    return _log(world, call, record)


def _built_snapshot(world: World, call: Call) -> SnapshotRecord:
    record = world.snapshot(call.param("id"))
    if not is_uuid(call.param("id")):
        # A name gets past the guard, but not past the database.
        raise ApiError(500, "Internal server error")
    if record.build_hash is None:
        raise not_found(f"Snapshot {record.id} has no build info")
    return record


async def _wait_for_runner(world: World, record: SnapshotRecord) -> None:
    deadline = time.monotonic() + world.timing.runner_block
    while record.runner is None:
        if time.monotonic() >= deadline or world.closing.is_set():
            raise not_found(f"Timeout waiting for build runner assignment for snapshot {record.id}")
        await world.pause(RUNNER_POLL_SECONDS)


async def log_file(world: World, call: Call) -> Any:
    """``GET <origin>/logs/{id}``, what ``build-logs-url`` names."""
    return _log(world, call, world.snapshot(call.param("id")))


def _log(world: World, call: Call, record: SnapshotRecord) -> Response:
    log = world.build_logs.get(record.build_hash or "")
    if log is None:
        raise not_found(f"No logs for snapshot {record.id}")
    return log_response(world, call.request, log, follow=call.flag("follow"))
