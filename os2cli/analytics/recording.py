"""Write an event to the spool, after what the project must know about its user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from os2cli.analytics.identity import Identity, claim, current_identity, link
from os2cli.analytics.parameters import Parameters
from os2cli.analytics.spool import Event, Spool
from os2cli.core.observed import recorded_user


def record(parameters: Parameters, name: str, properties: Mapping[str, Any]) -> None:
    """Write an event to the spool. Raises ``OSError``."""
    identity = _identified(parameters, current_identity(parameters.folder))
    _write(parameters, identity, name, properties)


def spool_of(folder: Path) -> Spool:
    """Return the spool in the state folder of analytics."""
    return Spool(folder / "spool")


def _write(
    parameters: Parameters, identity: Identity, name: str, properties: Mapping[str, Any]
) -> None:
    properties = {**properties, "$environment": parameters.environment}
    event = Event(name, identity.distinct_id, properties, parameters.groups)
    spool_of(parameters.folder).add(event, parameters.target)


def _identified(parameters: Parameters, identity: Identity) -> Identity:
    """Send what is new about the user, the groups and the email; return the identity."""
    folder, target = parameters.folder, parameters.target
    user = recorded_user(parameters.daytona)
    if user is not None:
        identity = link(folder, identity, user)
    # The first Daytona user inherits the events of the random id; a later one does not.
    if identity.user is not None and claim(folder, f"link-{target}", identity.anonymous):
        _write(parameters, identity, "$identify", {"$anon_distinct_id": identity.anonymous})
    for type_, key in parameters.groups.items():
        if claim(folder, f"{type_}-{target}", key):
            group = {"$group_type": type_, "$group_key": key, "$group_set": {"name": key}}
            _write(parameters, identity, "$groupidentify", group)
    email = parameters.email
    if email and claim(folder, f"email-{target}", f"{identity.distinct_id} {email}"):
        _write(parameters, identity, "$set", {"$set": {"email": email}})
    return identity
