"""The error answers: Nest's, as the real server's exception filter writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse


class ApiError(Exception):
    """An answer other than 2xx; ``headers`` are added to it, and the toolbox's ``code``."""

    code: str | None = None

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str) -> ApiError:
    """400: validation, quota, a snapshot that can't be used, a sandbox in the wrong state."""
    return ApiError(400, message)


def not_found(message: str) -> ApiError:
    """404: also for what belongs to another organisation."""
    return ApiError(404, message)


def conflict(message: str) -> ApiError:
    """409: a name is taken, or a change is under way."""
    return ApiError(409, message)


def error_body(status: int, message: str, path: str, now: datetime) -> dict[str, Any]:
    """Return the five keys that every error has."""
    return {
        "path": path,
        "timestamp": timestamp(now),
        "statusCode": status,
        "error": HTTPStatus(status).phrase,
        "message": message,
    }


def error_response(error: ApiError, path: str, now: datetime) -> JSONResponse:
    """Return the answer for ``error``."""
    body = error_body(error.status, error.message, path, now)
    if error.code is not None:
        body["code"] = error.code
    return JSONResponse(body, status_code=error.status, headers=error.headers)


def timestamp(moment: datetime) -> str:
    """Return a moment as JavaScript writes it: UTC, milliseconds, ``Z``."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
