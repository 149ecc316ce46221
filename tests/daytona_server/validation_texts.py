"""What the real server's validation says about a request, from what is wrong with it here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openapi_core.exceptions import OpenAPIError

_TYPES = {
    "string": "must be a string",
    "boolean": "must be a boolean value",
    "array": "must be an array",
    "object": "must be an object",
    "number": "must be a number conforming to the specified constraints",
    "integer": "must be a number conforming to the specified constraints",
}


def explain(error: OpenAPIError) -> str:
    """Return the message of the answer."""
    return ", ".join(dict.fromkeys(_texts(error))) or str(error)


def _texts(error: OpenAPIError) -> Iterator[str]:
    parameter = getattr(error, "name", None)
    cause = error.__cause__
    if cause is None:
        return
    reasons = getattr(cause, "schema_errors", None)
    if reasons is None:
        yield from _no_number(parameter or "value")
    for reason in reasons or ():
        yield _text(reason, [parameter] if parameter else [])


def _no_number(parameter: str) -> Iterator[str]:
    """What the server says of a parameter that isn't a number: every rule for it is broken."""
    if parameter == "limit":
        yield "limit must not be greater than 200"
    yield f"{parameter} must not be less than 1"
    yield f"{parameter} must be an integer number"


def _text(reason: Any, start: list[str]) -> str:
    path = start + list(reason.absolute_path)
    each = bool(path) and isinstance(path[-1], int)
    if reason.validator == "required":
        name = reason.message.split("'")[1]
        kind = reason.schema["properties"][name].get("type")
        return f"{_dotted([*path, name])} {_TYPES.get(kind, 'should not be empty')}"
    name = f"each value in {_dotted(path[:-1])}" if each else _dotted(path)
    if reason.validator == "type":
        return f"{name} {_TYPES[reason.validator_value]}"
    if reason.validator == "enum":
        values = ", ".join(str(value) for value in reason.validator_value)
        subject = "each value" if each else name
        return f"{subject} must be one of the following values: {values}"
    if reason.validator == "minimum":
        return f"{name} must not be less than {reason.validator_value:g}"
    if reason.validator == "maximum":
        return f"{name} must not be greater than {reason.validator_value:g}"
    return f"{name}: {reason.message}"


def _dotted(path: list[str]) -> str:
    return ".".join(str(part) for part in path)
