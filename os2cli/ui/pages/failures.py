"""Failed requests: a page for people, JSON for scripts of the page."""

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
from os2cli.ui.guard.bodies import BodyError
from os2cli.ui.guard.plain_responses import plain_response
from os2cli.ui.jobs.record import shown_line
from os2cli.ui.site import site_of, wants_json

_STATUSES: dict[type[Os2Error], int] = {
    UsageError: 422,
    NotFound: 404,
    NotAuthorised: 502,
    Conflict: 409,
    TimedOut: 504,
    Unreachable: 502,
}
# Other errors start with the option that they are about.
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
    """Return the form field that an error is about; None if there is none."""
    for code, name in _FIELDS:
        if error.code == code:
            return name
    first = error.message.split(" ", 1)[0].rstrip(":,")
    return first.removeprefix("--") if first.startswith("--") else None


async def on_failure(request: Request, error: Exception) -> Response:
    """Show an ``Os2Error`` and its hint."""
    assert isinstance(error, Os2Error)  # noqa: S101 - the handler of no other
    status = _STATUSES.get(type(error), 500)
    if wants_json(request):
        return JSONResponse(_document(error), status)
    return await site_of(request).show(
        request, "failure.html", status=status, title="Something went wrong", error=error
    )


async def on_http_error(request: Request, error: Exception) -> Response:
    """Show an HTTP error, such as a missing page."""
    assert isinstance(error, HTTPException)  # noqa: S101
    failure = Os2Error(
        "page not found" if error.status_code == 404 else error.detail,
        hint="It may have been removed." if error.status_code == 404 else None,
    )
    if wants_json(request):
        body = {
            "error": {
                "message": failure.message,
                "hint": failure.hint,
                "code": "http",
                "field": None,
            }
        }
        return JSONResponse(body, error.status_code)
    return await site_of(request).show(
        request, "failure.html", status=error.status_code, title="Not found", error=failure
    )


async def on_body(request: Request, error: Exception) -> Response:
    """Reject a request body that exceeds a limit."""
    del request
    assert isinstance(error, BodyError)  # noqa: S101 - the handler of no other
    return plain_response(error.status, error.message)


def _document(error: Os2Error) -> dict[str, dict[str, str | None]]:
    return {
        "error": {
            "message": shown_line(error.message),
            "hint": shown_line(error.hint) if error.hint else None,
            "code": error.code,
            "field": field_of(error),
        }
    }
