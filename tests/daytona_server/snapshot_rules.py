"""What may be a snapshot, which entry point it gets and in which order they are listed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tests.daytona_server.errors import ApiError, bad_request
from tests.daytona_server.records import SnapshotRecord

_NAME = re.compile(r"[a-zA-Z0-9_.\-:]+(/[a-zA-Z0-9_.\-:]+)*(@sha256:[a-f0-9]{64})?")
_ENTRYPOINT = re.compile(r"ENTRYPOINT\s+(.*)")
IDLE = ["sleep", "infinity"]
ASK_FOR_MORE = (
    "Need higher resource limits per-sandbox? Contact us at support@daytona.io and let us know "
    "about your use case."
)


def check_sizes(body: dict[str, Any]) -> None:
    """Fail as the database does: a fractional size gets past validation."""
    for name in ("cpu", "gpu", "memory", "disk"):
        value = body.get(name)
        if isinstance(value, float) and not value.is_integer():
            raise ApiError(500, "Internal server error")


def check_limits(body: dict[str, Any], limits: dict[str, int]) -> None:
    """Refuse what is larger than the organisation's sandboxes may be."""
    for name, unit in (("cpu", ""), ("memory", "GB"), ("disk", "GB")):
        wanted = body.get(name) or 0
        if wanted > limits[name]:
            what = name.upper() if name == "cpu" else name.capitalize()
            raise bad_request(
                f"{what} request {wanted}{unit} exceeds maximum allowed per sandbox "
                f"({limits[name]}{unit}).\n{ASK_FOR_MORE}"
            )


def check_name(name: str) -> None:
    """Apply the rule for a snapshot's name."""
    if not _NAME.fullmatch(name):
        raise bad_request(
            "Invalid snapshot name format. May contain letters, digits, dots, colons, and dashes"
        )


def check_image_name(image: str) -> None:
    """Require a tag that isn't ``latest``, or a digest."""
    if "@sha256:" in image:
        if not re.fullmatch(r".+@sha256:[a-f0-9]{64}", image):
            raise bad_request("Invalid digest format. Must be image@sha256:64_hex_characters")
    elif ":" not in image.rsplit("/", 1)[-1] or image.rstrip().endswith(":"):
        raise bad_request(
            "Image name must include a tag (e.g., ubuntu:22.04) or digest (@sha256:...)"
        )
    elif image.endswith(":latest"):
        raise bad_request('Images with tag ":latest" are not allowed')
    elif not _NAME.fullmatch(image):
        raise bad_request(
            "Invalid image name format. Must be lowercase, may contain digits, dots, dashes, "
            "and single slashes between components"
        )


def build_hash(dockerfile: str, hashes: Iterable[str]) -> str:
    """Return the cache key of a build: the text and the sorted hashes only."""
    return hashlib.sha256((dockerfile + "".join(sorted(hashes))).encode()).hexdigest()


def entrypoint_of(dockerfile: str) -> list[str]:
    """Return what the server finds in a Dockerfile by a regular expression.

    The last match counts, also in a comment, and a line that goes on ends at its backslash.
    """
    matches = _ENTRYPOINT.findall(dockerfile)
    if not matches:
        return list(IDLE)
    raw = matches[-1].strip()
    try:
        parsed = json.loads(raw)
    except ValueError:
        return [re.sub("[\"']", "", raw)]
    return [str(word) for word in parsed] if isinstance(parsed, list) else list(IDLE)


def ilike(pattern: str) -> Callable[[str], bool]:
    """PostgreSQL's ``ILIKE '%pattern%'``: ``_`` and ``%`` are wildcards, a backslash escapes."""
    parts = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        if character == "\\" and position + 1 < len(pattern):
            position += 1
            parts.append(re.escape(pattern[position]))
        else:
            parts.append({"_": ".", "%": ".*"}.get(character) or re.escape(character))
        position += 1
    compiled = re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
    return lambda text: compiled.search(text) is not None


_FIELDS: dict[str, Callable[[SnapshotRecord], str | datetime | None]] = {
    "name": lambda record: record.name,
    "state": lambda record: record.state,
    "lastUsedAt": lambda record: record.last_used,
    "createdAt": lambda record: record.created,
}


def in_order(records: Iterable[SnapshotRecord], field: str, order: str) -> list[SnapshotRecord]:
    """Sorted by a field; ties newest first, nulls last, general ones after all the others."""
    value = _FIELDS[field]
    ordered = sorted(records, key=lambda record: (record.created, record.number), reverse=True)
    known = [record for record in ordered if value(record) is not None]
    # A sort with reverse=True keeps the order of ties as well.
    known.sort(key=value, reverse=order == "desc")  # type: ignore[arg-type]
    unknown = [record for record in ordered if value(record) is None]
    return sorted(known + unknown, key=lambda record: record.general)
