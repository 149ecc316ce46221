"""The permissions and expiry of the API key, checked before a long operation starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from os2cli.core.errors import NotAuthorised, OperationFailed, Unreachable
from os2cli.core.models import DEFAULT_RESOURCES, SnapshotResources
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

    wire.on("GET /organizations/org-1", refused(404))

    check_publishing(DaytonaClient(access, transport=wire))


def test_a_persons_token_that_is_rejected_is_not_sent_again(wire: Wire) -> None:
    access = replace(ACCESS, api_key=None, jwt="a.b.c", organization="org-1")
    wire.on("GET /organizations/org-1", refused(401))

    with pytest.raises(NotAuthorised):
        check_publishing(DaytonaClient(access, transport=wire))


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


class TestLimits:
    """A user's token may ask for the organisation's limits; an API key may not."""

    ACCESS = replace(ACCESS, api_key=None, jwt="eyJ0eXAi", organization="org-1")
    ASKED = ("GET /organizations/org-1", "GET /organizations/org-1/usage")

    def check(
        self,
        wire: Wire,
        usage: dict[str, Any],
        resources: SnapshotResources = DEFAULT_RESOURCES,
        target: str | None = None,
    ) -> None:
        limits = {"maxCpuPerSandbox": 4, "maxMemoryPerSandbox": 8, "maxDiskPerSandbox": 10}
        organization, used = self.ASKED
        wire.on(organization, ok({"defaultRegionId": "us", **limits})).on(used, ok(usage))
        client = DaytonaClient(replace(self.ACCESS, target=target), transport=wire)
        check_publishing(client, resources)

    @pytest.mark.parametrize(
        ("name", "option", "limit"),
        [("cpu", "--cpu", 4), ("memory_gib", "--memory", 8), ("disk_gib", "--disk", 10)],
    )
    def test_more_than_a_machine_may_have_is_rejected(
        self, name: str, option: str, limit: int, wire: Wire
    ) -> None:
        with pytest.raises(OperationFailed, match="exceeds maximum allowed") as caught:
            self.check(wire, {}, replace(DEFAULT_RESOURCES, **{name: limit + 1}))

        assert caught.value.code == "quota_exceeded"
        assert f"os2 snapshot daytona {option} {limit}" in (caught.value.hint or "")

    def test_as_much_as_it_may_have_is_all_right(self, wire: Wire) -> None:
        self.check(wire, {}, SnapshotResources(cpu=4, memory_gib=8, disk_gib=10))

    @pytest.mark.parametrize(
        ("target", "limits", "allowed"),
        [
            (None, {"us": 16, "eu": 2}, True),
            ("us", {"us": 16}, True),
            ("eu", {"us": 16, "eu": 2}, False),
            ("eu", {"us": 16}, False),
            ("us", {"us": None}, False),
        ],
    )
    def test_a_regions_limits_come_first(
        self, target: str | None, limits: dict[str, int | None], allowed: bool, wire: Wire
    ) -> None:
        usage = {
            "regionUsage": [
                {"regionId": region, "maxCpuPerSandbox": limit} for region, limit in limits.items()
            ]
        }
        if allowed:
            self.check(wire, usage, SnapshotResources(cpu=16), target)
            return
        with pytest.raises(OperationFailed, match="CPU request 16 exceeds"):
            self.check(wire, usage, SnapshotResources(cpu=16), target)

    @pytest.mark.parametrize(("used", "rejected"), [(99, False), (100, True), (101, True)])
    def test_a_full_quota_is_rejected(self, used: int, rejected: bool, wire: Wire) -> None:
        usage = {"currentSnapshotUsage": used, "totalSnapshotQuota": 100}
        if not rejected:
            self.check(wire, usage)
            return
        with pytest.raises(OperationFailed, match="Maximum allowed: 100") as caught:
            self.check(wire, usage)
        assert "os2 snapshot prune" in (caught.value.hint or "")

    @pytest.mark.parametrize("answer", [refused(404), refused(403), refused(500), ok({"a": 1})])
    def test_limits_that_are_not_told_are_not_compared(
        self, answer: httpx.Response, wire: Wire
    ) -> None:
        wire.on(self.ASKED[0], answer)
        if answer.is_success:
            wire.on(self.ASKED[1], answer)

        check_publishing(DaytonaClient(self.ACCESS, transport=wire), SnapshotResources(cpu=100))

    def test_an_api_key_does_not_ask(self, client: DaytonaClient, wire: Wire) -> None:
        """It would be refused, and repeated refusals block the caller's address."""
        wire.on(CURRENT, key(MAY))

        check_publishing(client, SnapshotResources(cpu=100))
