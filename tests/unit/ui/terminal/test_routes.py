"""Who may open a terminal, of what, and how many."""

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
    """What a socket says first."""
    headers = {"Cookie": page.cookie, **more}
    address = f"ws://127.0.0.1:{page.credentials.port}{path}/terminal/socket"
    headers.setdefault("Origin", page.credentials.origin)
    with connect(address, additional_headers=headers) as connection:
        told: dict[str, Any] = json.loads(connection.recv(timeout=20))
        return told


def test_a_machine_that_is_not_there_is_told_with_a_hint() -> None:
    with served() as page:
        told = ask(page)

    assert "dev" in told["failed"]
    assert told["hint"]


@pytest.mark.parametrize(
    "path", ["/machines/nowhere/dev", "/machines/local-process/-x", "/machines/local-docker/a%20b"]
)
def test_a_name_that_cannot_be_one_is_told_with_a_hint(path: str) -> None:
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
def test_nobody_else_may_open_one(headers: dict[str, str]) -> None:
    with served() as page, pytest.raises(InvalidStatus) as refused:
        ask(page, **headers)

    assert refused.value.response.status_code == 403


def test_its_page_is_behind_the_same_door() -> None:
    with served() as page:
        assert page.http.get(f"{MACHINE}/terminal").status_code == 404
        page.http.cookies.clear()
        assert page.http.get(f"{MACHINE}/terminal").status_code == 401


def test_there_are_only_so_many() -> None:
    places = Slots(2)
    with places.one():
        with places.one(), pytest.raises(Conflict, match="too many open terminals: 2") as full:
            places.one().__enter__()
        assert full.value.hint
        with places.one():
            assert places.taken == 2

    assert places.taken == 0
