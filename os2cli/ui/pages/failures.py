"""How a request fails: on a page for a person, as JSON for a script of ours."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from os2cli.core.errors import (
    Conflict,
    NotAuthorised,
    NotFound,
    Os2Error,
    TimedOut,
    Unreachable,
    UsageError,
)
from os2cli.ui.guard.plain_responses import refusal
from os2cli.ui.site import site_of, wants_json

_STATUSES: dict[type[Os2Error], int] = {
    UsageError: 422,
    NotFound: 404,
    NotAuthorised: 502,
    Conflict: 409,
    TimedOut: 504,
    Unreachable: 502,
}
# The option that an error is about stands at the beginning of what it says.
_FIELDS = (
    ("machine_name_invalid", "name"),
    ("machine_exists", "name"),
    ("name_taken", "name"),
    ("port_taken", "port"),
    ("stage_missing", "stage"),
    ("stage_invalid", "stage"),
    ("stage_contradiction", "stage"),
    ("image_not_found", "snapshot"),
)


def field_of(error: Os2Error) -> str | None:
    """The field of a form that an error is about."""
    for code, name in _FIELDS:
        if error.code == code:
            return name
    first = error.message.split(" ", 1)[0].rstrip(":,")
    return first.removeprefix("--") if first.startswith("--") else None


async def on_failure(request: Request, error: Exception) -> Response:
    """An ``Os2Error``: what is the matter, and what helps."""
    assert isinstance(error, Os2Error)  # noqa: S101 - the handler of no other
    status = _STATUSES.get(type(error), 500)
    if wants_json(request):
        return JSONResponse(_document(error), status)
    return await site_of(request).show(
        request, "failure.html", status=status, title="That did not work", error=error
    )


async def on_http_error(request: Request, error: Exception) -> Response:
    """A page that is not there."""
    assert isinstance(error, HTTPException)  # noqa: S101
    told = Os2Error(
        "there is no such page" if error.status_code == 404 else error.detail,
        hint="what it was about may be gone; the list shows what is there",
    )
    if wants_json(request):
        body = {
            "error": {"message": told.message, "hint": told.hint, "code": "http", "field": None}
        }
        return JSONResponse(body, error.status_code)
    return await site_of(request).show(
        request, "failure.html", status=error.status_code, title="Not found", error=told
    )


async def on_too_large(request: Request, error: Exception) -> Response:
    """A body that is longer than it may be."""
    del request, error
    return refusal(413, "That is more than is taken here.")


def _document(error: Os2Error) -> dict[str, dict[str, str | None]]:
    return {
        "error": {
            "message": error.message,
            "hint": error.hint,
            "code": error.code,
            "field": field_of(error),
        }
    }
