"""Requests to the server, and what its answers hold."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

from tests.daytona_server import Timing

NAME = "dev-jonas--20260111-193045"
DOCKERFILE = 'FROM scratch\nENTRYPOINT ["/bin/run", "it"]\n'
# In seconds: a state that is to be seen is never left within a test.
STAYS = 600
# For a host that is busy.
CLIENT_SECONDS = 30
# Of no use for plain HTTP, but quick to make.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def state(api: httpx.Client, path: str) -> str:
    """Return the state of a snapshot or sandbox; ``404`` when there is none."""
    answer = api.get(path)
    return str(answer.json()["state"]) if answer.status_code == 200 else str(answer.status_code)


def names(answer: httpx.Response) -> list[str]:
    """Return the names in a list."""
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


def message(answer: httpx.Response, status: int) -> str:
    """Return the message of an error answer, which must have all five keys."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"path", "timestamp", "statusCode", "error", "message"}
    assert body["statusCode"] == status
    assert body["path"].startswith("/")
    return str(body["message"])


def build(dockerfile: str = DOCKERFILE, name: str = NAME, **more: Any) -> dict[str, Any]:
    """Return the body of a remote build."""
    return {"name": name, "buildInfo": {"dockerfileContent": dockerfile}, **more}


def stay(timing: Timing, **seconds: float) -> None:
    """Let a state last, so that it can be seen."""
    for field, value in seconds.items():
        setattr(timing, field, value)


def create(api: httpx.Client, name: str = "one", **more: Any) -> dict[str, Any]:
    """Make a sandbox."""
    answer = api.post("/sandbox", json={"name": name, "snapshot": NAME, **more})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document
