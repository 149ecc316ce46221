"""Requests and answers held against the official OpenAPI document.

The document is the newest one; where a version answers differently it is changed first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.daytona_server.validation_texts import explain
from tests.daytona_server.versions import HOSTED, LACKING, Lacking

DOCUMENT = Path(__file__).parent.parent / "data" / "daytona-openapi.json"
# The one server that the document declares.
HOST = "http://localhost:3000"
# Null in answers, although the document doesn't say so.
NULLABLE = {
    "Sandbox": ("errorReason", "networkAllowList", "domainAllowList"),
    "SandboxListItem": ("errorReason", "networkAllowList", "domainAllowList"),
    "SnapshotDto": ("initialRunnerId",),
}
# Refused below zero, although the document doesn't say so.
NOT_NEGATIVE = {"CreateSnapshot": ("cpu", "gpu", "memory", "disk")}
SCHEMAS = {"/sandbox": ("Sandbox", "SandboxListItem"), "/snapshots": ("SnapshotDto",)}


@dataclass(slots=True)
class CheckedRequest:
    """A request in the form that openapi-core reads; ``path`` is below ``/api``."""

    method: str
    path: str
    parameters: RequestParameters
    body: bytes | None
    content_type: str
    host_url: str = HOST


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """An answer in the form that openapi-core reads."""

    data: bytes
    status_code: int = 200
    content_type: str = "application/json"
    headers: Headers = field(default_factory=Headers)


def checked_request(
    method: str, path: str, query: list[tuple[str, str]], headers: Mapping[str, str], body: bytes
) -> CheckedRequest:
    """Return a request, ready to be checked; its body was read as JSON."""
    return CheckedRequest(
        method=method.lower(),
        path=path,
        parameters=RequestParameters(query=ImmutableMultiDict(query), header=Headers(headers)),
        body=body or None,
        content_type="application/json",
    )


def request_problem(request: CheckedRequest, version: str = HOSTED) -> str | None:
    """Return what the real server says about a request that is wrong, or None."""
    try:
        _contract(version).validate_request(request)
    except OpenAPIError as error:
        return explain(error)
    return None


def answer_problem(request: CheckedRequest, document: Any, version: str = HOSTED) -> str | None:
    """Return what is wrong with a JSON answer to ``request``, or None.

    Of a list, one item of each shape is checked: that is as good, and fast for long ones.
    """
    answer = CheckedAnswer(json.dumps(_one_of_each(document)).encode())
    try:
        _contract(version).validate_response(request, answer)
    except OpenAPIError as error:
        reasons = "; ".join(_reasons(error)) or str(error)
        return f"{request.method.upper()} {request.path}: {reasons}"
    return None


@cache
def _contract(version: str) -> OpenAPI:
    document = json.loads(DOCUMENT.read_text())
    schemas = document["components"]["schemas"]
    for schema, names in NULLABLE.items():
        for name in names:
            schemas[schema]["properties"][name]["nullable"] = True
    for schema, names in NOT_NEGATIVE.items():
        for name in names:
            schemas[schema]["properties"][name]["minimum"] = 0
    _leave_out(schemas, LACKING[version])
    return OpenAPI.from_dict(document)


def _leave_out(schemas: dict[str, Any], lacking: Lacking) -> None:
    for path, names in SCHEMAS.items():
        missing = lacking.in_answer(path)
        for schema in (schemas[name] for name in names):
            schema["required"] = [name for name in schema["required"] if name not in missing]


def _reasons(error: BaseException) -> Iterator[str]:
    cause = error.__cause__
    for reason in getattr(cause, "schema_errors", ()):
        where = ".".join(str(part) for part in reason.absolute_path)
        yield f"{where}: {reason.message}" if where else reason.message
    if cause is not None and not hasattr(cause, "schema_errors"):
        yield f"{error}: {cause}"


def _one_of_each(document: Any) -> Any:
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        return {**document, "items": _one_of_each(document["items"])}
    if isinstance(document, list):
        return list({_shape(item): item for item in document}.values())
    return document


def _shape(value: Any) -> Any:
    """Return what the document's rules look at: keys, types, states and the form of times."""
    if isinstance(value, dict):
        return tuple((key, _shape(part)) for key, part in value.items())
    if isinstance(value, list):
        return tuple({_shape(part): None for part in value})
    if isinstance(value, str):
        return ("str", len(value)) if len(value) < 32 else "str"
    return type(value).__name__
