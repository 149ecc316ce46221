"""Access to terminals, and how many may be open."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from os2cli.core.errors import Conflict
from os2cli.ui.terminal.routes import Slots
from tests.unit.ui.served import Served, served

MACHINE = "/machines/local-process/dev"


def ask(page: Served, path: str = MACHINE, **more: str) -> dict[str, Any]:
    """Return the first message of a terminal's WebSocket."""
    headers = {"Cookie": page.cookie, **more}
    address = f"ws://127.0.0.1:{page.credentials.port}{page.path}{path}/terminal/socket"
    headers.setdefault("Origin", page.credentials.origin)
    with connect(address, additional_headers=headers) as connection:
        told: dict[str, Any] = json.loads(connection.recv(timeout=20))
        return told


def test_a_missing_machine_is_reported_with_a_hint() -> None:
    with served() as page:
        told = ask(page)

    assert "dev" in told["failed"]
    assert told["hint"]


@pytest.mark.parametrize(
    "path", ["/machines/nowhere/dev", "/machines/local-process/-x", "/machines/local-docker/a%20b"]
)
def test_an_invalid_name_is_reported_with_a_hint(path: str) -> None:
    with served() as page:
        told = ask(page, path)

    assert told["failed"]
    assert told["hint"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "os2_ui=x"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_other_origins_may_not_open_a_terminal(headers: dict[str, str]) -> None:
    with served() as page, pytest.raises(InvalidStatus) as refused:
        ask(page, **headers)

    assert refused.value.response.status_code == 403


def test_the_terminal_page_is_behind_the_guard() -> None:
    with served() as page:
        assert page.http.get(f"{MACHINE}/terminal").status_code == 404
        page.http.cookies.clear()
        assert page.http.get(f"{MACHINE}/terminal").status_code == 401


def test_the_number_of_terminals_is_limited() -> None:
    slots = Slots(2)
    with slots.one():
        with slots.one(), pytest.raises(Conflict, match="too many open terminals: 2") as full:
            slots.one().__enter__()
        assert full.value.hint
        with slots.one():
            assert slots.taken == 2

    assert slots.taken == 0
