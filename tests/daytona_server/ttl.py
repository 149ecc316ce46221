"""How long a sandbox may live at most, in any state."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.daytona_server.activity import stop_idle
from tests.daytona_server.errors import bad_request
from tests.daytona_server.sandbox_states import go
from tests.daytona_server.sandboxes import destroy_overdue

if TYPE_CHECKING:
    from tests.daytona_server.call import Call
    from tests.daytona_server.state import World

# How often is looked, beside at each request.
LOOK_SECONDS = 0.1


async def set_ttl(world: World, call: Call) -> Any:
    """``POST /sandbox/{id}/ttl/{minutes}``: from now on; 0 takes it away."""
    sandbox = world.sandbox(call.param("id"))
    minutes = int(float(call.param("ttlMinutes")))
    if minutes < 0:
        raise bad_request("TTL must be a non-negative integer")
    sandbox.destroy_at = world.now() + timedelta(minutes=minutes) if minutes else None
    go(world, sandbox, sandbox.state)
    return sandbox.document()


async def watch_ttls(world: World) -> None:
    """Destroy what has outlived its time, and stop what is idle, also while nobody asks."""
    while not world.closing.is_set():
        destroy_overdue(world)
        stop_idle(world)
        await world.pause(LOOK_SECONDS)
