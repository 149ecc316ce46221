"""Paths and answers of the API around one sandbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from os2cli.core.errors import Os2Error
from os2cli.core.models import Machine
from os2cli.providers.daytona.machines.creation import SandboxCreation
from tests.unit.providers.daytona.answers import SANDBOX, sandbox
from tests.unit.providers.daytona.wires import Wire, ok, refused

ID = sandbox()["id"]
POST, LIST, BY_NAME, BY_ID = (
    "POST /sandbox",
    "GET /sandbox",
    f"GET /sandbox/{SANDBOX}",
    f"GET /sandbox/{ID}",
)
REMOVE, START, STOP = (
    f"DELETE /sandbox/{ID}",
    f"POST /sandbox/{ID}/start",
    f"POST /sandbox/{ID}/stop",
)


def state(name: str, **changes: Any) -> httpx.Response:
    return ok(sandbox(state=name, **changes))


LABELS, AUTO_STOP, AUTO_DELETE = (
    f"PUT /sandbox/{ID}/labels",
    f"POST /sandbox/{ID}/autostop/1",
    f"POST /sandbox/{ID}/autodelete/0",
)


def marked(wire: Wire) -> Wire:
    """Expect that the sandbox is marked as unfinished."""
    return wire.on(LABELS, ok({"labels": {}})).on(AUTO_STOP, ok({})).on(AUTO_DELETE, ok({}))


def busy() -> httpx.Response:
    return refused(409, "Sandbox state change in progress")


def named(machine: str, **changes: Any) -> dict[str, Any]:
    labels = {**sandbox()["labels"], "dev.os2.name": machine}
    return sandbox(id=f"id-{machine}", labels=labels, **changes)


def page(*items: Any, cursor: str | None = None) -> httpx.Response:
    return ok({"items": list(items), "nextCursor": cursor})


def names(found: list[Machine]) -> list[str]:
    return [machine.name for machine in found]


def failure(creation: SandboxCreation) -> Os2Error:
    with pytest.raises(Os2Error) as caught:
        creation.create()
    assert caught.value.hint
    return caught.value


def not_found() -> httpx.Response:
    return refused(404, f"Sandbox with ID or name {SANDBOX} not found")


def none() -> httpx.Response:
    return ok({"items": [], "nextCursor": None})
