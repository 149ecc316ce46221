"""JSON text of documents, without pydantic, whose import would slow down every script."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from os2cli.core.plain_text import plain_json


def to_json(document: object, *, indent: int | None = None) -> str:
    """Return a document as JSON, on one line unless ``indent`` is given."""
    separators = (",", ":" if indent is None else ": ")
    text = json.dumps(
        document, indent=indent, separators=separators, ensure_ascii=False, default=_plain
    )
    return plain_json(text)


def _plain(value: object) -> Any:
    """Return a value that JSON has; anything else, such as a path, becomes text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    return str(value)
