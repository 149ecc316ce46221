"""What every JSON document has."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """What every document has."""

    model_config = ConfigDict(frozen=True, ser_json_timedelta="float")

    schema_version: Literal[1] = 1
