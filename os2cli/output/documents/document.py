"""What JSON documents have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What every document has."""

    # For the schema: a field with a default is always printed, so it is required.
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "json_schema_serialization_defaults_required": True
    }

    schema_version: Literal[1] = SCHEMA_VERSION
