"""The doctor's checks of Daytona, with answers that the test writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import NotFound
from os2cli.doctor.checks.daytona import (
    check_clock,
    check_daytona,
    check_daytona_key,
    check_daytona_snapshots,
)
from os2cli.doctor.daytona_facts import DaytonaFacts
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Status
from os2cli.doctor.inputs import DoctorInputs, ImageFreshness
from os2cli.providers.daytona.api.client import DaytonaClient
from tests.clock import Time
from tests.unit.providers.daytona.wires import (
    ACCESS,
    KEY,
    Wire,
    ok,
    refused,
    time_zone,
    web_page,
)

CONFIG, CURRENT = "GET /config", "GET /api-keys/current"
SNAPSHOTS, HEALTH = "GET /snapshots", "GET /health"
MAY = ["write:snapshots", "delete:snapshots", "write:sandboxes", "delete:sandboxes"]
NO_ENGINE = NotFound("there is no engine", hint="start one")
Check = Callable[[DoctorInputs, SharedEngine], Finding]
CHECKS: dict[str, tuple[Check, str]] = {
    "daytona": (check_daytona, CONFIG),
    "daytona-key": (check_daytona_key, CURRENT),
    "daytona-snapshots": (check_daytona_snapshots, SNAPSHOTS),
    "clock": (check_clock, HEALTH),
}
# Snapshots are counted only with a valid API key.
EVERY = pytest.mark.parametrize("name", [name for name in CHECKS if name != "daytona-snapshots"])


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    assert not wire.script


def found(name: str, wire: Wire, access: DaytonaAccess | None = ACCESS) -> Finding:
    """Return the finding of the check of that name; no engine is asked, retries do not wait."""
    time = Time()
    facts = None
    if access is not None:
        facts = DaytonaFacts(DaytonaClient(access, transport=wire, clock=time.clock))
    inputs = DoctorInputs(
        variables={},
        home=Path("/nowhere"),
        endpoint=NO_ENGINE,
        repo_root=None,
        image=lambda: ImageFreshness("a:b", None, fresh=False),
        system="Linux",
        architecture="x86_64",
        host_name="here",
        daytona=facts,
    )
    finding = CHECKS[name][0](inputs, SharedEngine(NO_ENGINE))
    assert finding.check == name
    assert KEY not in repr(finding)
    assert time.slept == []
    return finding


class TestEvery:
    @EVERY
    @pytest.mark.parametrize(
        "access", [None, DaytonaAccess(ACCESS.url)], ids=["left out", "no key"]
    )
    def test_without_a_key_nothing_is_asked(
        self, name: str, access: DaytonaAccess | None, wire: Wire
    ) -> None:
        finding = found(name, wire, access)

        assert (finding.status, wire.requests) == (Status.SKIPPED, [])
        assert finding.what == "no API key (only needed for Daytona)"

    @EVERY
    @pytest.mark.parametrize(
        ("answer", "what", "remedy"),
        [
            (refused(401, "Invalid credentials"), "rejected the API key", "DAYTONA_API_KEY"),
            (refused(500, "oh"), "Daytona returned 500: oh", "retry"),
            (refused(503, "maintenance"), "Daytona returned 503: maintenance", "retry"),
            (refused(429, Retry_After_anonymous="7"), "rate limit of anonymous", "retry in 7 s"),
            (httpx.Response(302), "unexpected response: HTTP 302", "DAYTONA_API_URL"),
            (web_page(404), "unexpected response: HTTP 404", "DAYTONA_API_URL"),
            (httpx.ConnectError("refused"), "cannot reach 127.0.0.1", "network"),
            (httpx.ReadTimeout("late"), "timed out", "network"),
        ],
        ids=["401", "500", "503", "429", "302", "404", "refused", "late"],
    )
    def test_a_failure_is_found_at_the_first_try_with_what_helps(
        self, name: str, answer: Any, what: str, remedy: str, wire: Wire
    ) -> None:
        wire.on(CHECKS[name][1], answer)

        finding = found(name, wire)

        assert finding.status is Status.PROBLEM
        assert what in finding.what
        assert finding.remedy is not None
        assert remedy in finding.remedy.text

    @EVERY
    @pytest.mark.parametrize(
        ("changes", "what"),
        [
            ({"url": "http://app.daytona.io/api"}, "is plain HTTP"),
            ({"url": "nonsense"}, "is not a web address"),
            ({"api_key": "dtn with spaces"}, "DAYTONA_API_KEY holds an invalid character"),
        ],
    )
    def test_wrong_settings_are_found_before_anything_is_asked(
        self, name: str, changes: dict[str, str], what: str, wire: Wire
    ) -> None:
        finding = found(name, wire, replace(ACCESS, **changes))

        assert (finding.status, wire.requests) == (Status.PROBLEM, [])
        assert what in finding.what
        assert finding.remedy is not None

    @pytest.mark.parametrize("name", ["daytona", "daytona-key"])
    @pytest.mark.parametrize("answer", [web_page(), ok({}), ok([])], ids=["page", "{}", "[]"])
    def test_an_invalid_answer_is_found(
        self, name: str, answer: httpx.Response, wire: Wire
    ) -> None:
        wire.on(CHECKS[name][1], answer)

        assert found(name, wire).status is Status.PROBLEM


class TestApi:
    def test_says_its_version_and_where_the_address_comes_from(self, wire: Wire) -> None:
        wire.on(CONFIG, ok({"version": "v0.190.0", "maintananceMode": False}))

        finding = found("daytona", wire)

        assert (finding.status, finding.remedy) == (Status.OK, None)
        assert finding.what == f"Daytona API v0.190.0 at {ACCESS.url}"
        assert finding.why == "address from DAYTONA_API_URL"

    def test_under_maintenance_is_a_problem(self, wire: Wire) -> None:
        wire.on(CONFIG, ok({"version": "v0.190.0", "maintananceMode": True}))

        finding = found("daytona", wire)

        assert finding.status is Status.PROBLEM
        assert finding.what.endswith("is under maintenance")
        assert finding.remedy is not None


def key(permissions: list[str], left: timedelta | None = None, zone: str = "Z") -> httpx.Response:
    expires = None if left is None else f"{datetime.now(UTC) + left:%Y-%m-%dT%H:%M:%S}{zone}"
    return ok({"name": "ci", "permissions": permissions, "expiresAt": expires})


class TestKey:
    @pytest.mark.parametrize(
        ("left", "status", "what"),
        [
            (None, Status.OK, "API key 'ci' is valid"),
            (timedelta(days=15), Status.OK, "API key 'ci' is valid until {day}"),
            (timedelta(days=13), Status.WARNING, "API key 'ci' is valid, but expires on {day}"),
            (timedelta(hours=1), Status.WARNING, "API key 'ci' is valid, but expires on {day}"),
            (timedelta(hours=-1), Status.PROBLEM, "API key 'ci' expired on {day}"),
            (timedelta(days=-400), Status.PROBLEM, "API key 'ci' expired on {day}"),
        ],
    )
    @pytest.mark.parametrize("zone", ["Z", ""])
    def test_expiry(
        self, left: timedelta | None, zone: str, status: Status, what: str, wire: Wire
    ) -> None:
        wire.on(CURRENT, key(MAY, left, zone))
        day = f"{datetime.now(UTC) + (left or timedelta(0)):%Y-%m-%d}"

        with time_zone("JST-9"):
            finding = found("daytona-key", wire)

        assert (finding.status, finding.what) == (status, what.format(day=day))
        assert (finding.remedy is None) == (status is Status.OK)

    def test_all_permissions_are_named(self, wire: Wire) -> None:
        wire.on(CURRENT, key([*MAY, "read:volumes"]))

        finding = found("daytona-key", wire)

        assert (finding.status, finding.why) == (Status.OK, f"permissions: {', '.join(MAY)}")

    @pytest.mark.parametrize(
        ("has", "what", "why"),
        [
            (MAY[:3], "lacks delete:sandboxes", f"permissions: {', '.join(MAY[:3])}"),
            (
                MAY[2:],
                "lacks write:snapshots, delete:snapshots",
                f"permissions: {', '.join(MAY[2:])}",
            ),
            ([], f"lacks {', '.join(MAY)}", "permissions: read only"),
            (["read:volumes"], f"lacks {', '.join(MAY)}", "permissions: read only"),
        ],
    )
    def test_missing_permissions_are_a_warning(
        self, has: list[str], what: str, why: str, wire: Wire
    ) -> None:
        wire.on(CURRENT, key(has, timedelta(days=99)))

        finding = found("daytona-key", wire)

        assert (finding.status, finding.why) == (Status.WARNING, why)
        assert finding.what.endswith(f", but {what}")
        assert finding.remedy is not None

    @pytest.mark.parametrize("left", [timedelta(hours=-1), timedelta(days=1)])
    def test_expiry_matters_more_than_permissions(self, left: timedelta, wire: Wire) -> None:
        wire.on(CURRENT, key([], left))

        assert "lacks" not in found("daytona-key", wire).what

    def test_a_persons_token_is_not_looked_at(self, wire: Wire) -> None:
        access = replace(ACCESS, api_key=None, jwt="a.b.c", organization="org-1")

        finding = found("daytona-key", wire, access)

        assert (finding.status, wire.requests) == (Status.OK, [])
        assert "DAYTONA_JWT_TOKEN" in finding.what


class TestSnapshots:
    ACCEPTED = ok({"name": "ci", "permissions": MAY, "expiresAt": None})

    @pytest.mark.parametrize("general", [0, 1, 7, 20, 41])
    @pytest.mark.parametrize("own", [0, 1, 19, 57])
    def test_are_counted_without_daytonas_own(self, own: int, general: int, wire: Wire) -> None:
        """The API counts them, and lists them last."""
        listed = [{"general": False}] * own + [{"general": True}] * general

        def page(request: httpx.Request) -> httpx.Response:
            number, limit = (int(request.url.params[name]) for name in ("page", "limit"))
            items = listed[(number - 1) * limit : number * limit]
            pages = -(-len(listed) // limit)
            body = {"items": items, "total": len(listed), "page": number, "totalPages": pages}
            return ok(body)

        wire.on(CURRENT, self.ACCEPTED)
        wire.on(SNAPSHOTS, *[page] * 10)

        finding = found("daytona-snapshots", wire)

        what = "1 snapshot" if own == 1 else f"{own} snapshots"
        assert (finding.status, finding.what) == (Status.OK, f"{what} in the organisation")
        wire.script.clear()

    def test_are_counted_from_few_small_pages(self, wire: Wire) -> None:
        items = [{"general": False}] * 3 + [{"general": True}] * 14
        wire.on(CURRENT, self.ACCEPTED)
        wire.on(SNAPSHOTS, ok({"items": [], "total": 57, "page": 1, "totalPages": 57}))
        wire.on(SNAPSHOTS, ok({"items": items, "total": 57, "page": 3, "totalPages": 3}))

        assert found("daytona-snapshots", wire).what == "43 snapshots in the organisation"
        assert dict(wire.last.url.params) == {"page": "3", "limit": "20"}

    def test_are_not_asked_for_with_a_key_that_is_refused(self, wire: Wire) -> None:
        wire.on(CURRENT, refused(401, "Invalid credentials"))

        finding = found("daytona-snapshots", wire)

        assert finding.status is Status.SKIPPED
        assert len(wire.requests) == 1

    @pytest.mark.parametrize("answer", [refused(500, "oh"), ok(7), web_page()], ids=str)
    def test_a_key_that_cannot_be_read_is_not_called_rejected(
        self, answer: httpx.Response, wire: Wire
    ) -> None:
        wire.on(CURRENT, answer)

        finding = found("daytona-snapshots", wire)

        assert finding.status is Status.PROBLEM
        assert "rejects" not in finding.what

    @pytest.mark.parametrize("answer", [refused(500, "oh"), ok({}), web_page()], ids=str)
    def test_that_can_not_be_counted_are_a_problem(
        self, answer: httpx.Response, wire: Wire
    ) -> None:
        wire.on(CURRENT, self.ACCEPTED).on(SNAPSHOTS, answer)

        assert found("daytona-snapshots", wire).status is Status.PROBLEM

    def test_without_a_key_nothing_is_asked(self, wire: Wire) -> None:
        finding = found("daytona-snapshots", wire, DaytonaAccess(ACCESS.url))

        assert (finding.status, wire.requests) == (Status.SKIPPED, [])


def dated(ahead: timedelta) -> httpx.Response:
    """Return an answer of an API whose clock is behind ours by that time."""
    return ok({"status": "ok"}, Date=format_datetime(datetime.now(UTC) - ahead, usegmt=True))


class TestClock:
    @pytest.mark.parametrize(
        ("ahead", "status"),
        [
            (timedelta(0), Status.OK),
            (timedelta(seconds=50), Status.OK),
            (timedelta(seconds=-50), Status.OK),
            (timedelta(seconds=70), Status.WARNING),
            (timedelta(seconds=-70), Status.WARNING),
            (timedelta(minutes=9), Status.WARNING),
            (timedelta(minutes=11), Status.PROBLEM),
            (timedelta(minutes=-11), Status.PROBLEM),
            (timedelta(days=365), Status.PROBLEM),
        ],
    )
    def test_is_compared(self, ahead: timedelta, status: Status, wire: Wire) -> None:
        wire.on(HEALTH, dated(ahead))

        with time_zone("JST-9"):
            finding = found("clock", wire)

        assert finding.status is status
        if status is Status.OK:
            assert finding.what == "this host's clock agrees with Daytona's"
        else:
            assert finding.what.endswith("ahead" if ahead > timedelta(0) else "behind")
            assert finding.remedy is not None
            assert finding.remedy.commands

    def test_says_by_how_much(self, wire: Wire) -> None:
        wire.on(HEALTH, dated(timedelta(seconds=-3600)))

        # The header has no fractions of a second.
        assert found("clock", wire).what in {
            f"this host's clock is {seconds} s behind" for seconds in (3599, 3600)
        }

    def test_a_time_that_says_nothing_of_its_zone_is_utc(self, wire: Wire) -> None:
        text = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S} -0000"
        wire.on(HEALTH, ok({}, Date=text))

        with time_zone("JST-9"):
            assert found("clock", wire).status is Status.OK

    @pytest.mark.parametrize("headers", [{}, {"Date": "today"}, {"Date": ""}])
    def test_without_a_time_is_skipped(self, headers: dict[str, str], wire: Wire) -> None:
        wire.on(HEALTH, ok({}, **headers))

        finding = found("clock", wire)

        assert (finding.status, finding.what) == (
            Status.SKIPPED,
            "the API does not send the time",
        )
