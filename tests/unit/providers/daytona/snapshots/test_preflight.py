"""The permissions and expiry of the API key, checked before a long operation starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from os2cli.core.errors import NotAuthorised, OperationFailed, Unreachable
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.snapshots.preflight import check_publishing
from tests.unit.providers.daytona.wires import ACCESS, Wire, ok, refused

CURRENT = "GET /api-keys/current"
MAY = ["write:snapshots", "write:sandboxes"]


def key(permissions: Any, expires: Any = None) -> httpx.Response:
    return ok({"name": "ci", "value": "dtn_hush", "permissions": permissions, "expiresAt": expires})


def moment(distance: timedelta, zone: str = "Z") -> str:
    return f"{datetime.now(UTC) + distance:%Y-%m-%dT%H:%M:%S}{zone}"


@pytest.mark.parametrize("left", [None, timedelta(minutes=1), timedelta(days=300_000)])
def test_a_key_that_may_publish_is_all_right(
    left: timedelta | None, client: DaytonaClient, wire: Wire
) -> None:
    wire.on(CURRENT, key(MAY, None if left is None else moment(left)))

    check_publishing(client)


def test_a_key_without_the_permission_names_it(client: DaytonaClient, wire: Wire) -> None:
    wire.on(CURRENT, key(["delete:snapshots", "write:sandboxes"]))

    with pytest.raises(NotAuthorised, match="API key 'ci' cannot publish") as caught:
        check_publishing(client)

    assert (caught.value.code, caught.value.exit_code) == ("not_permitted", 4)
    assert caught.value.details == {"permission": "write:snapshots"}
    assert "write:snapshots" in (caught.value.hint or "")


@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize("zone", ["Z", ""])
@pytest.mark.parametrize("permissions", [MAY, []])
def test_an_expired_key_is_reported_first(
    permissions: list[str], zone: str, client: DaytonaClient, wire: Wire
) -> None:
    expired = moment(timedelta(hours=-1), zone)
    wire.on(CURRENT, key(permissions, expired))

    with pytest.raises(NotAuthorised, match=rf"API key 'ci' expired on {expired[:10]}") as caught:
        check_publishing(client)
    assert (caught.value.code, bool(caught.value.hint)) == ("key_expired", True)


@pytest.mark.usefixtures("far_away")
def test_a_key_that_lasts_an_hour_by_a_time_without_a_zone_is_all_right(
    client: DaytonaClient, wire: Wire
) -> None:
    wire.on(CURRENT, key(MAY, moment(timedelta(hours=1), "")))

    check_publishing(client)


def test_a_persons_token_has_no_permissions_to_look_at(wire: Wire) -> None:
    access = replace(ACCESS, api_key=None, jwt="a.b.c", organization="org-1")

    check_publishing(DaytonaClient(access, transport=wire))

    assert wire.requests == []


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refused(401, "Invalid credentials"), NotAuthorised, "key_invalid"),
        (refused(500), Unreachable, "api_failed"),
        (ok({"name": "ci"}), OperationFailed, "answer_invalid"),
        (key(None), OperationFailed, "answer_invalid"),
        (key(MAY, "soon"), OperationFailed, "answer_invalid"),
    ],
)
def test_an_invalid_answer_is_an_error(
    answer: httpx.Response, kind: type[Exception], code: str, client: DaytonaClient, wire: Wire
) -> None:
    wire.on(CURRENT, answer)

    with pytest.raises(kind, match=r"checking the API key|rejected the API key") as caught:
        check_publishing(client)
    assert getattr(caught.value, "code", None) == code
    assert "hush" not in str(caught.value)
