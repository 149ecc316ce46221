"""The labels on our machines and images: the only record of what belongs to os2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from os2cli import __version__
from os2cli.core.models import MachineSpec, MachineType

MACHINE = "dev.os2.machine"
NAME = "dev.os2.name"
STAGE = "dev.os2.stage"
TYPE = "dev.os2.type"
SNAPSHOT = "dev.os2.snapshot"
OWNER = "dev.os2.owner"
CREATED = "dev.os2.created"
VERSION = "dev.os2.version"
EXPIRES = "dev.os2.expires"
PORT = "dev.os2.port"
# The names of the user's own, as JSON: an image brings labels, too, which are none of them.
USERS_OWN = "dev.os2.labels"

# Tells the machine that a create made from one that another create made.
REQUEST = "dev.os2.request"

IMAGE_KEY = "dev.os2.key"
IMAGE_BASE = "dev.os2.base"
# An image that somebody builds on ours inherits our labels, but has another name.
IMAGE_NAME = "dev.os2.image"

RESERVED_PREFIX = "dev.os2."


def of_machine(spec: MachineSpec, type_: MachineType, created: datetime) -> dict[str, str]:
    """What every provider writes on a machine: our labels over the user's."""
    expires = {EXPIRES: _told(spec.expires)} if spec.expires else {}
    return {
        **spec.labels,
        MACHINE: "1",
        NAME: spec.name,
        STAGE: spec.stage,
        TYPE: type_,
        SNAPSHOT: spec.snapshot,
        OWNER: spec.owner,
        CREATED: _told(created),
        VERSION: __version__,
        USERS_OWN: json.dumps(sorted(spec.labels)),
        **expires,
    }


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime | None:
    """The moment in UTC that a label or an engine tells, to the second; None: it tells none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Podman writes local time with its offset.
    found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return found.replace(microsecond=0)


def users_own(marks: Mapping[str, str]) -> dict[str, str]:
    """The user's labels among all that a machine carries; none when ours can't be read."""
    try:
        names = json.loads(marks.get(USERS_OWN, "[]"))
        return {name: marks[name] for name in names if name in marks}
    except (ValueError, TypeError):
        return {}
