"""The labels on our machines and images: the only record of what belongs to os2."""

from __future__ import annotations

MACHINE = "dev.os2.machine"
NAME = "dev.os2.name"
STAGE = "dev.os2.stage"
TYPE = "dev.os2.type"
SNAPSHOT = "dev.os2.snapshot"
OWNER = "dev.os2.owner"
CREATED = "dev.os2.created"
VERSION = "dev.os2.version"
PORT = "dev.os2.port"
# The names of the user's own, as JSON: an image brings labels, too, which are none of them.
USERS_OWN = "dev.os2.labels"

# Tells the machine that a create made from one that another create made.
REQUEST = "dev.os2.request"

IMAGE_KEY = "dev.os2.key"
IMAGE_BASE = "dev.os2.base"

RESERVED_PREFIX = "dev.os2."
