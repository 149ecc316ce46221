"""What a 429 asks for: which wait counts, how long os2 has policy, and what it says then."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from os2cli.core.errors import Unreachable
from os2cli.core.waiting import listening
from os2cli.host.concurrency import concurrently
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import FAST, RetryPolicy
from tests.clock import Time
from tests.unit.providers.daytona.wires import DOING, Wire, ask, failure, lost, ok, refused

EVERY = pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])


def busy(**limits: str) -> httpx.Response:
    """Return a 429; the names of its headers end in the limiter's."""
    headers = {f"Retry-After{name}": value for name, value in limits.items()}
    return httpx.Response(429, json={"message": "Rate limit exceeded"}, headers=headers)


class TestRateLimits:
    @EVERY
    @pytest.mark.parametrize(
        ("limits", "seconds"),
        [
            ({"": "7"}, 7),
            ({"-authenticated": "11"}, 11),
            ({"-anonymous": "12"}, 12),
            ({"-sandbox-create": "13"}, 13),
            ({"-SANDBOX-Lifecycle": "14"}, 14),
            ({"-authenticated": "3", "-sandbox-create": "61", "": "20"}, 61),
            ({"-sandbox-create": "61", "-authenticated": "3"}, 61),
            ({"": "1.5"}, 1.5),
            ({"-x": " 8 "}, 8),
            ({}, 5),
            ({"": "soon"}, 5),
            ({"": "Wed, 21 Oct 2026 07:28:00 GMT"}, 5),
            ({"": "-3"}, 5),
            ({"": "1e3"}, 5),
            ({"": "nan"}, 5),
            ({"": ""}, 5),
            ({"": "soon", "-authenticated": "9"}, 9),
            ({"": "0"}, 1),
            ({"": "0", "-authenticated": "0.0"}, 1),
        ],
    )
    def test_are_waited_for_as_long_as_the_longest_says(
        self,
        method: str,
        limits: dict[str, str],
        seconds: float,
        client: DaytonaClient,
        wire: Wire,
        time: Time,
    ) -> None:
        wire.on(f"{method} /thing", busy(**limits), ok({}))

        ask(client, method)

        assert time.slept == [seconds]

    def test_other_headers_say_nothing(self, client: DaytonaClient, wire: Wire, time: Time) -> None:
        headers = {"X-RateLimit-Reset-authenticated": "50", "X-Retry-After": "51"}
        answer = httpx.Response(429, json={}, headers=headers)
        wire.on("GET /thing", answer, ok({}))

        ask(client, "GET")

        assert time.slept == [5]

    @EVERY
    def test_longer_than_the_policy_fail_at_once(
        self, method: str, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        limits = {"-authenticated": "3", "-sandbox-create": "91"}
        wire.on(f"{method} /thing", busy(**limits))

        error = failure(client, method)

        assert (type(error), error.exit_code, error.code) == (Unreachable, 8, "rate_limited")
        assert error.message == (
            f"{DOING} failed: Daytona's rate limit of sandbox-create is exceeded for 91 s"
        )
        assert error.hint == "retry in 91 s"
        assert error.details == {"retry_after_seconds": 91}
        assert time.slept == []

    def test_an_unnamed_limiter_is_not_named(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on("GET /thing", busy(**{"": "120"}))

        assert "Daytona's rate limit is exceeded for 120 s" in failure(client, "GET").message

    def test_are_waited_for_up_to_a_sum(
        self, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on("GET /thing", busy(**{"-a": "50"}), busy(**{"-a": "40"}), busy(**{"-a": "2"}))

        assert failure(client, "GET").details == {"retry_after_seconds": 2}
        assert time.slept == [50, 40]

    def test_that_never_end_and_ask_for_no_wait_end_all_the_same(
        self, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on("GET /thing", *[busy(**{"": "0"})] * 91)

        assert failure(client, "GET").code == "rate_limited"
        assert sum(time.slept) == 90

    def test_in_a_hurry_are_not_waited_for(
        self, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on("GET /thing", busy(**{"": "0"}))

        assert failure(client, "GET", FAST).code == "rate_limited"
        assert time.slept == []

    def test_are_not_counted_as_failures(
        self, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on("GET /thing", refused(503), busy(**{"": "2"}), lost(), busy(**{"": "3"}))
        wire.on("GET /thing", refused(502), ok({"a": 1}))

        assert ask(client, "GET") == {"a": 1}
        assert time.slept == [0.3, 2, 0.9, 3, 2.7]


class TestReports:
    """A long pause is one line, with what waits and for how long."""

    @pytest.fixture
    def said(self) -> Iterator[list[str]]:
        lines: list[str] = []
        with listening(lines.append):
            yield lines

    @EVERY
    @pytest.mark.parametrize(
        ("limits", "reported"),
        [
            ((1,), []),
            ((2,), ["2 s"]),
            ((20,), ["20 s"]),
            ((1, 1), ["1 s"]),
            ((1, 0.5), ["1 s"]),
            ((20, 20), ["20 s", "20 s"]),
            ((0, 0, 0), ["1 s", "1 s"]),
        ],
    )
    def test_are_made_of_pauses_from_two_seconds_on(
        self,
        method: str,
        limits: tuple[float, ...],
        reported: list[str],
        client: DaytonaClient,
        wire: Wire,
        said: list[str],
    ) -> None:
        wire.on(f"{method} /thing", *(busy(**{"-a": str(seconds)}) for seconds in limits), ok({}))

        ask(client, method)

        why = "because Daytona's rate limit is reached"
        assert said == [f"{DOING}: waiting {seconds}, {why}" for seconds in reported]

    @pytest.mark.parametrize("policy", [FAST, RetryPolicy(longest_wait_seconds=10)])
    def test_are_not_made_of_pauses_that_are_not_made(
        self, policy: RetryPolicy, client: DaytonaClient, wire: Wire, said: list[str]
    ) -> None:
        wire.on("GET /thing", busy(**{"-a": "20"}))

        failure(client, "GET", policy)

        assert said == []

    def test_are_made_once_for_requests_that_wait_together(
        self, client: DaytonaClient, said: list[str]
    ) -> None:
        for _ in range(3):
            client.pauses.report(DOING, 20)

        assert len(said) == 1

    def test_are_made_in_threads_of_the_operation(
        self, client: DaytonaClient, wire: Wire, said: list[str]
    ) -> None:
        wire.on("GET /thing", busy(**{"-a": "20"}), ok({}))

        concurrently(lambda _: ask(client, "GET"), [1])

        assert len(said) == 1
