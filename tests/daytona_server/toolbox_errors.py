"""The toolbox's error answers, which are not those of the API: Go's, of three servers in a row.

The proxy lets a request in, the runner finds the sandbox, and the daemon inside handles it. What
one of them does not expect comes without path and time; what concerns files has no body at all.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from tests.daytona_server.errors import ApiError, timestamp

_NO_TIME = "0001-01-01T00:00:00Z"


class ToolboxError(ApiError):
    """One of them; ``path`` is where its server saw the request."""

    def __init__(self, status: int, message: str, code: str = "", path: str = "") -> None:
        super().__init__(status, message)
        self.code = code
        self.path = path

    def body(self, method: str, path: str, now: datetime) -> dict[str, Any]:
        """Return its JSON."""
        return {
            "statusCode": self.status,
            "message": self.message,
            "code": self.code,
            "timestamp": timestamp(now),
            "path": self.path or path,
            "method": method,
        }

    def response(self, method: str, path: str, now: datetime) -> Response:
        """Return its answer to a request."""
        return JSONResponse(self.body(method, path, now), self.status)


class BareError(ToolboxError):
    """A status, and nothing else."""

    def response(self, method: str, path: str, now: datetime) -> Response:
        del method, path, now
        return Response(status_code=self.status)


class UnexpectedError(ToolboxError):
    """What the daemon wraps in words of its own, so that it no longer knows the status."""

    def __init__(self, message: str) -> None:
        super().__init__(500, message)

    def body(self, method: str, path: str, now: datetime) -> dict[str, Any]:
        body = super().body(method, path, now)
        return {**body, "timestamp": _NO_TIME, "path": "", "method": ""}


def not_found(message: str) -> ToolboxError:
    """404."""
    return ToolboxError(404, f"not found: {message}", "NOT_FOUND")


def conflict(message: str) -> ToolboxError:
    """409."""
    return ToolboxError(409, f"conflict: {message}", "CONFLICT")


def bad_request(message: str) -> ToolboxError:
    """400."""
    return ToolboxError(400, f"bad request: {message}", "BAD_REQUEST")


def invalid_body(message: str) -> ToolboxError:
    """400: of JSON that lacks something."""
    return ToolboxError(400, f"invalid body request: {message}", "INVALID_REQUEST_BODY")


def unauthorized(message: str, path: str) -> ToolboxError:
    """401: of the proxy."""
    return ToolboxError(401, f"unauthorized: {message}", "UNAUTHORIZED", path)


def gone(message: str) -> ToolboxError:
    """410."""
    return ToolboxError(410, f"gone: {message}", "GONE")


def internal(message: str) -> ToolboxError:
    """500."""
    return ToolboxError(500, f"internal server error: {message}", "INTERNAL_SERVER_ERROR")


def timed_out(message: str) -> ToolboxError:
    """408."""
    return ToolboxError(408, f"request timeout: {message}", "REQUEST_TIMEOUT")
