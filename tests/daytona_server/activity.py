"""What counts as use of a sandbox, and the stop of an idle one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.daytona_server.lifecycle import auto_stop

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord
    from tests.daytona_server.state import World

# A request through the proxy counts, to a port of the sandbox or to its toolbox, unless it says so.
SKIP_HEADER = "x-daytona-skip-last-activity-update"


def note_use(world: World, sandbox: SandboxRecord | None, headers: Mapping[str, str]) -> None:
    """Reset the sandbox's timer; the API's own requests don't."""
    if sandbox is not None and headers.get(SKIP_HEADER) != "true":
        sandbox.used = world.now()


def stop_idle(world: World) -> None:
    """Stop every running sandbox whose timer is over, as a job of each minute does."""
    for sandbox in world.sandboxes:
        limit = timedelta(minutes=sandbox.intervals.get("autoStopInterval", 0))
        idle = world.now() - (sandbox.used or sandbox.created)
        if sandbox.state == "started" and timedelta() < limit < idle:
            auto_stop(world, sandbox)
