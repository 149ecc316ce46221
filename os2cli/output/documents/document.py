"""What every JSON document has."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """What every document has."""

    model_config = ConfigDict(
        frozen=True,
        ser_json_timedelta="float",
        # What has a default is printed all the same, so that a schema may promise it.
        json_schema_serialization_defaults_required=True,
    )

    schema_version: Literal[1] = 1
