"""One call of the API, as the routes see it."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request


class Call:
    """A request with its body, whose path was matched while still percent-encoded.

    ``unknown`` are the fields and parameters that mean nothing to this version.
    """

    def __init__(self, request: Request, body: bytes, unknown: Collection[str] = ()) -> None:
        self.request = request
        self.body = body
        self.unknown = unknown

    def param(self, name: str) -> str:
        """Return a part of the path; a slash in it was percent-encoded."""
        return unquote(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """Return a query parameter, the last when there are several."""
        if name in self.unknown:
            return default
        return self.request.query_params.get(name, default)

    def queries(self, name: str) -> list[str]:
        """Return all values of a query parameter; a comma also separates."""
        values = self.request.query_params.getlist(name)
        return [part for value in values for part in value.split(",") if part]

    def flag(self, name: str) -> bool:
        """Return a query parameter that is true or false."""
        return self.query(name).lower() == "true"

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body, an object."""
        document = json.loads(self.body or b"{}")
        if not isinstance(document, dict):
            return {}
        return {key: value for key, value in document.items() if key not in self.unknown}
