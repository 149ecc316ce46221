"""The routes that open ways into a sandbox: previews and SSH."""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.daytona_server.connections import HOST
from tests.daytona_server.errors import bad_request, not_found, timestamp

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

SIGNED_SECONDS = 60
MAX_SIGNED_SECONDS = 24 * 60 * 60
SSH_MINUTES = 60


def _port(call: Call) -> int:
    port = int(float(call.param("port")))
    if not 1 <= port <= 65535:
        raise bad_request("Invalid port")
    return port


async def preview_url(world: World, call: Call) -> Any:
    """``GET /sandbox/{id}/ports/{port}/preview-url``: answered whatever runs there."""
    sandbox = world.sandbox(call.param("id"))
    assert world.previews is not None
    url = await world.previews.open(sandbox, _port(call))
    return {"sandboxId": sandbox.id, "url": url, "token": sandbox.token}


async def signed_preview_url(world: World, call: Call) -> Any:
    """``GET …/signed-preview-url``: the address itself opens it, for a while."""
    sandbox = world.sandbox(call.param("id"))
    port = _port(call)
    seconds = int(call.query("expiresInSeconds", str(SIGNED_SECONDS)))
    if not 1 <= seconds <= MAX_SIGNED_SECONDS:
        raise bad_request("expiresInSeconds must be between 1 second and 24 hours")
    token = secrets.token_hex(8)
    sandbox.signed_tokens[port, token] = time.monotonic() + seconds
    assert world.previews is not None
    url = await world.previews.open(sandbox, port, token)
    return {"sandboxId": sandbox.id, "port": port, "token": token, "url": url}


async def expire_signed_preview_url(world: World, call: Call) -> Any:
    """``POST …/signed-preview-url/{token}/expire``."""
    sandbox = world.sandbox(call.param("id"))
    if sandbox.signed_tokens.pop((_port(call), call.param("token")), None) is None:
        raise not_found("Signed preview URL token not found")


async def create_ssh_access(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/ssh-access``: the tokens from before are void."""
    sandbox = world.sandbox(call.param("id"))
    minutes = float(call.query("expiresInMinutes", str(SSH_MINUTES)))
    if minutes <= 0:
        raise bad_request("expiresInMinutes must be positive")
    # Letters and digits alone: it is a user's name on a command line.
    token = secrets.token_hex(24)
    port = await world.open_gateway().port()
    sandbox.ssh_tokens = [token]
    sandbox.ssh_expires = world.now() + timedelta(minutes=minutes)
    now = timestamp(world.now())
    return {
        "id": str(uuid.uuid4()),
        "sandboxId": sandbox.id,
        "token": token,
        "sshCommand": f"ssh -p {port} {token}@{HOST}",
        "expiresAt": timestamp(sandbox.ssh_expires),
        "createdAt": now,
        "updatedAt": now,
    }


async def revoke_ssh_access(world: World, call: Call) -> Any:
    """``DELETE /sandbox/{id}/ssh-access``, of one token or of all."""
    sandbox = world.sandbox(call.param("id"))
    token = call.query("token")
    sandbox.ssh_tokens = [kept for kept in sandbox.ssh_tokens if token and kept != token]
    return sandbox.document()
