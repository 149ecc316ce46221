"""Leave an event in the spool, and before it what the project has to know about whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from os2cli.analytics.identity import Identity, claim, current_identity, link
from os2cli.analytics.parameters import Parameters
from os2cli.analytics.spool import Event, Spool
from os2cli.core.observed import recorded_user


def record(parameters: Parameters, name: str, properties: Mapping[str, Any]) -> None:
    """Leave an event. Raises ``OSError`` where nothing can be kept."""
    identity = _identified(parameters, current_identity(parameters.folder))
    _leave(parameters, identity, name, properties)


def spool_of(folder: Path) -> Spool:
    """Where events wait."""
    return Spool(folder / "spool")


def _leave(
    parameters: Parameters, identity: Identity, name: str, properties: Mapping[str, Any]
) -> None:
    told_always = {"$environment": parameters.environment}
    event = Event(name, identity.distinct_id, {**properties, **told_always}, parameters.groups)
    spool_of(parameters.folder).add(event, parameters.target)


def _identified(parameters: Parameters, identity: Identity) -> Identity:
    """Tell who it is, as far as that is news: the user, the groups, the address."""
    folder, target = parameters.folder, parameters.target
    user = recorded_user(parameters.daytona)
    if user is not None:
        identity = link(folder, identity, user)
    # The first user of Daytona takes over what was told under the random id; another one does not.
    if identity.user is not None and claim(folder, f"link-{target}", identity.anonymous):
        _leave(parameters, identity, "$identify", {"$anon_distinct_id": identity.anonymous})
    for type_, key in parameters.groups.items():
        if claim(folder, f"{type_}-{target}", key):
            group = {"$group_type": type_, "$group_key": key, "$group_set": {"name": key}}
            _leave(parameters, identity, "$groupidentify", group)
    email = parameters.email
    if email and claim(folder, f"email-{target}", f"{identity.distinct_id} {email}"):
        _leave(parameters, identity, "$set", {"$set": {"email": email}})
    return identity
