"""Lists of a server that never ends them, as an error of ours and in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.doctor.daytona_facts import DaytonaFacts
from os2cli.providers.daytona.api import pages
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.machines.listing import list_sandboxes
from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots
from tests.daytona_server import DaytonaServer, Fault
from tests.unit.providers.daytona.answers import sandbox, snapshot

SANDBOXES = {"items": [sandbox()], "nextCursor": "on"}
SNAPSHOTS = {
    "items": [{**snapshot(), "general": True}],
    "total": 10**12,
    "page": 1,
    "totalPages": 10**9,
}
LISTS: dict[str, Callable[[DaytonaClient], object]] = {
    "sandboxes": lambda client: [*list_sandboxes(client, "listing")],
    "snapshots": lambda client: [*DaytonaSnapshots(client).newest_first("")],
    "count": lambda client: DaytonaFacts(client).snapshot_count(),
}


@pytest.fixture
def endless() -> Iterator[tuple[DaytonaServer, DaytonaClient]]:
    """A server whose lists have one more page, at any page."""
    with DaytonaServer() as server:
        access = DaytonaAccess(server.url, "DAYTONA_API_URL", api_key=server.api_key)
        with DaytonaClient(access) as client:
            yield server, client


def repeat(server: DaytonaServer, times: int, delay: float = 0.0) -> None:
    for path, body in (("/sandbox", SANDBOXES), ("/snapshots", SNAPSHOTS)):
        server.fail_next("GET", path, Fault(status=200, body=body, delay=delay), times=times)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_without_an_end_is_an_error(
    endless: tuple[DaytonaServer, DaytonaClient], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_PAGES", 20)
    server, client = endless
    repeat(server, 30)

    with pytest.raises(OperationFailed, match="the list has more than 20 pages") as caught:
        LISTS[name](client)

    assert caught.value.code == "answer_invalid"
    assert caught.value.hint


@pytest.mark.parametrize("name", ["sandboxes", "snapshots"])
def test_a_list_of_too_many_items_is_an_error(
    endless: tuple[DaytonaServer, DaytonaClient], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_ITEMS", 3)
    server, client = endless
    repeat(server, 30)

    with pytest.raises(OperationFailed, match="the list has more than 3 items"):
        LISTS[name](client)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_one_deadline_for_all_pages(
    endless: tuple[DaytonaServer, DaytonaClient], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "LIST_SECONDS", 0.5)
    server, client = endless
    repeat(server, 40, delay=0.1)

    with pytest.raises(TimedOut, match=r"timed out after 0.5 s \(pages read: [0-9]+\)") as caught:
        LISTS[name](client)

    assert caught.value.hint
