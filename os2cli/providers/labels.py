"""The labels on our machines and images: the only record of what is os2's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from os2cli import __version__
from os2cli.core.json_text import parse_json
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
ISOLATION = "dev.os2.isolation"
# The names of the user's own labels, as JSON: an image also brings labels.
USERS_OWN = "dev.os2.labels"

# Tells the machine of one create from those of other creates.
REQUEST = "dev.os2.request"
# Names the lock that its creator holds while it creates the machine.
CREATOR = "dev.os2.creator"
# The id of the container that one was made of, for another port.
MOVED = "dev.os2.moved"
# On the machine of a create that could not be undone.
UNFINISHED = "dev.os2.unfinished"

IMAGE_KEY = "dev.os2.key"
IMAGE_BASE = "dev.os2.base"
# The ids of the images that an image was built from, by their names, as JSON.
IMAGE_SOURCES = "dev.os2.sources"
# An image built FROM ours inherits our labels, but has another name.
IMAGE_NAME = "dev.os2.image"
# The id of the repository that an image was built from. A machine has it from its image, unless it
# was created for another repository.
IMAGE_REPOSITORY = "dev.os2.repository"

# The working tree that a machine has a copy of, with %-escapes, and whether with its secrets.
MOUNT = "dev.os2.mount"
MOUNT_SECRETS = "dev.os2.mount-secrets"

RESERVED_PREFIX = "dev.os2."


def of_machine(spec: MachineSpec, type_: MachineType, created: datetime) -> dict[str, str]:
    """Return the labels that every provider writes on a machine: ours over the user's."""
    expires = {EXPIRES: _format(spec.expires)} if spec.expires else {}
    repository = {IMAGE_REPOSITORY: spec.repository} if spec.repository else {}
    return {
        **spec.labels,
        MACHINE: "1",
        NAME: spec.name,
        STAGE: spec.stage,
        TYPE: type_,
        SNAPSHOT: spec.snapshot,
        OWNER: spec.owner,
        CREATED: _format(created),
        VERSION: __version__,
        USERS_OWN: json.dumps(sorted(spec.labels)),
        **expires,
        **repository,
    }


def _format(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime | None:
    """Parse a time of a label or an engine to UTC, in whole seconds; None if it is not one."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    # Podman writes local time with its offset.
    time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    return time.replace(microsecond=0)


def users_own(marks: Mapping[str, str]) -> dict[str, str]:
    """Return the user's labels among those of a machine; none if ours can't be read."""
    try:
        names = parse_json(marks.get(USERS_OWN, "[]"))
        return {name: marks[name] for name in names if name in marks}
    except (ValueError, TypeError):
        return {}


def sources(marks: Mapping[str, str]) -> dict[str, str]:
    """Return the ids of the images that an image was built from; none if they can't be read."""
    try:
        ids = parse_json(marks.get(IMAGE_SOURCES, "{}"))
        return {str(name): str(id_) for name, id_ in ids.items()}
    except (ValueError, AttributeError):
        return {}
