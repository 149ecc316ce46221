"""Finding a sandbox by its name, where the API's own look-up is wrong for seconds.

It caches: after a removal it reports a new sandbox of that name missing for up to 14 s, or returns
the removed one. By its id the new one is there at once, and the list has it after 1 to 3 s.
"""

from __future__ import annotations

from os2cli.core.clock import EPOCH
from os2cli.core.errors import NotFound
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import DEFAULT, RetryPolicy
from os2cli.providers.daytona.api.wire import SandboxAnswer
from os2cli.providers.daytona.machines.lifecycle import look_at
from os2cli.providers.daytona.machines.listing import list_sandboxes
from os2cli.providers.daytona.machines.sandboxes import ENDING


def look_up(
    client: DaytonaClient, name: str, doing: str, policy: RetryPolicy = DEFAULT
) -> SandboxAnswer | None:
    """Return the sandbox of that name, None if neither the look-up nor the list has one.

    One that is being removed is returned only if no other has its name.
    """
    found = look_for(client, name, doing, policy)
    if found is not None and found.state not in ENDING:
        return found
    return _listed(client, name, doing, policy) or found


def look_for(
    client: DaytonaClient, name: str, doing: str, policy: RetryPolicy = DEFAULT
) -> SandboxAnswer | None:
    """Return what the API has under a name or an id, None if that is nothing."""
    try:
        return look_at(client, name, doing, policy)
    except NotFound:
        return None


def _listed(
    client: DaytonaClient, name: str, doing: str, policy: RetryPolicy
) -> SandboxAnswer | None:
    """Return the newest sandbox of that name in the list, as it is now."""
    listed = [s for s in list_sandboxes(client, doing, policy=policy, name=name) if s.name == name]
    listed.sort(key=lambda sandbox: sandbox.created or EPOCH, reverse=True)
    ending = None
    for item in listed:
        sandbox = look_for(client, item.id, doing, policy)
        # A removed sandbox has another name, which the list shows only later.
        if sandbox is None or sandbox.name != name:
            continue
        if sandbox.state not in ENDING:
            return sandbox
        ending = ending or sandbox
    return ending
