"""The routes about the server, the key and where things are pushed to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.daytona_server.errors import ApiError, timestamp

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

PUSH_HOURS = 1


async def health(world: World, call: Call) -> Any:
    """``GET /health``, public."""
    return {"status": "ok"}


async def ready(world: World, call: Call) -> Any:
    """``GET /health/ready``."""
    up = {"database": {"status": "up"}, "redis": {"status": "up"}}
    return {"status": "ok", "info": up, "error": {}, "details": up}


async def config(world: World, call: Call) -> Any:
    """``GET /config``, public."""
    limits = {
        key: _limit(world, name)
        for key, name in {
            "authenticated": "authenticated",
            "sandboxCreate": "sandbox-create",
            "sandboxLifecycle": "sandbox-lifecycle",
        }.items()
    }
    return {
        "version": world.version,
        "oidc": {"issuer": f"{world.origin}/dex", "clientId": "daytona", "audience": "daytona"},
        "linkedAccountsEnabled": False,
        "announcements": {},
        "proxyTemplateUrl": "http://{{PORT}}-{{sandboxId}}.127.0.0.1",
        "proxyToolboxUrl": f"{world.origin}/toolbox",
        "defaultSnapshot": "daytona-small",
        "dashboardUrl": f"{world.origin}/dashboard",
        "maxAutoArchiveInterval": 43200,
        "maintananceMode": world.maintenance,
        "environment": "test",
        "sshGatewayCommand": "ssh -p 2222 {{TOKEN}}@127.0.0.1",
        **world.ssh_reported,
        "rateLimit": limits,
    }


def _limit(world: World, name: str) -> dict[str, float]:
    window = world.limits.windows.get(name)
    return {"ttl": 60, "limit": 400} if window is None else {
        "ttl": window.seconds, "limit": window.limit,
    }  # fmt: skip


async def current_key(world: World, call: Call) -> Any:
    """``GET /api-keys/current``: who am I."""
    key = call.request.state.key
    return key.document(world.user_id, world.now())


async def regions(world: World, call: Call) -> Any:
    """``GET /regions`` and ``/shared-regions``."""
    moment = timestamp(world.now())
    common = {
        "organizationId": None,
        "regionType": "shared",
        "createdAt": moment,
        "updatedAt": moment,
        "proxyUrl": None,
        "sshGatewayUrl": None,
        "snapshotManagerUrl": None,
    }
    return [{"id": name, "name": name, **common} for name in world.regions]


async def storage_access(world: World, call: Call) -> Any:
    """``GET /object-storage/push-access``; a store of the server's own if it was given none."""
    storage = await world.in_thread(world.open_storage)
    return {
        "accessKey": storage.access_key,
        "secret": storage.secret,
        "sessionToken": storage.session_token,
        "storageUrl": world.public(storage.url),
        "organizationId": world.organization_id,
        "bucket": storage.bucket,
        "region": storage.region,
    }


async def registry_access(world: World, call: Call) -> Any:
    """``GET /docker-registry/registry-push-access``."""
    registry = world.registry
    if registry is None:
        raise ApiError(404, "No transient registry found")
    expires = world.now() + timedelta(hours=PUSH_HOURS)
    return {
        "username": registry.push.username,
        "secret": registry.push.password,
        "registryUrl": registry.host,
        "registryId": registry.id,
        "project": registry.project,
        "expiresAt": timestamp(expires),
    }
