"""The table of ``retry``, row by row: what is sent how often, and after which pauses."""

from __future__ import annotations

import httpx
import pytest

from os2cli.core.errors import NotAuthorised, Unreachable
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.errors import LostAnswer
from os2cli.providers.daytona.api.retry import FAST, pause
from tests.clock import Time
from tests.unit.providers.daytona.wires import DOING, Wire, ask, failure, ok, refused, web_page

PAUSES = [0.3, 0.9, 2.7]
EVERY = pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
REPEATABLE = pytest.mark.parametrize("method", ["GET", "DELETE"])


def test_pauses_grow() -> None:
    assert [round(pause(failures), 6) for failures in (1, 2, 3)] == PAUSES


class TestNoConnection:
    @EVERY
    def test_is_tried_again_up_to_four_times(
        self, method: str, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on(f"{method} /thing", *[httpx.ConnectError("[Errno 111] Connection refused")] * 4)

        error = failure(client, method)

        assert time.slept == PAUSES
        assert (type(error), error.exit_code, error.code) == (Unreachable, 8, "unreachable")
        assert error.message == (
            f"{DOING} failed: cannot reach 127.0.0.1:3986: [Errno 111] Connection refused"
        )
        assert error.hint == "check the network and DAYTONA_API_URL: os2 doctor"

    @EVERY
    def test_that_comes_about_after_all_is_all_right(
        self, method: str, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on(f"{method} /thing", *[httpx.ConnectError("refused")] * 3, ok({"a": 1}))

        assert ask(client, method) == (None if method == "DELETE" else {"a": 1})
        assert time.slept == PAUSES

    @EVERY
    @pytest.mark.parametrize("late", [httpx.ConnectTimeout, httpx.PoolTimeout])
    def test_in_time_counts_twice(
        self,
        method: str,
        late: type[httpx.TimeoutException],
        client: DaytonaClient,
        wire: Wire,
        time: Time,
    ) -> None:
        wire.on(f"{method} /thing", late("timed out"), late("timed out"))

        error = failure(client, method)

        assert (type(error), time.slept) == (Unreachable, [0.9])
        assert error.message.endswith("cannot reach 127.0.0.1:3986: timed out")

    @EVERY
    def test_through_a_proxy_sent_nothing_either(
        self, method: str, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(f"{method} /thing", *[httpx.ProxyError("407 Proxy Authentication Required")] * 4)

        error = failure(client, method)

        assert type(error) is Unreachable
        assert "407 Proxy Authentication Required" in error.message

    def test_in_a_hurry_is_not_tried_again(
        self, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on("GET /thing", httpx.ConnectError("refused"))

        assert failure(client, "GET", FAST).code == "unreachable"
        assert time.slept == []


BROKEN = [
    httpx.ReadError("Connection reset by peer"),
    httpx.WriteError("Broken pipe"),
    httpx.CloseError("it did"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
    httpx.DecodingError("incorrect header check"),
]


class TestBrokenConnection:
    @REPEATABLE
    @pytest.mark.parametrize("broken", BROKEN, ids=lambda error: type(error).__name__)
    def test_is_tried_again_where_that_does_no_harm(
        self, method: str, broken: Exception, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on(f"{method} /thing", *[broken] * 4)

        error = failure(client, method)

        assert (type(error), error.code, time.slept) == (Unreachable, "unreachable", PAUSES)
        assert str(broken) in error.message

    @pytest.mark.parametrize(
        "broken",
        [*BROKEN, httpx.ReadTimeout("timed out"), httpx.WriteTimeout("timed out")],
        ids=lambda error: type(error).__name__,
    )
    def test_of_a_create_is_a_lost_answer(
        self, broken: Exception, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on("POST /thing", broken)

        error = failure(client, "POST")

        assert (type(error), error.exit_code, error.code) == (LostAnswer, 8, "answer_lost")
        assert time.slept == []

    @REPEATABLE
    def test_no_answer_in_time_counts_twice(
        self, method: str, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on(f"{method} /thing", httpx.ReadTimeout("timed out"), httpx.ReadTimeout("timed out"))

        assert "timed out" in failure(client, method).message
        assert time.slept == [0.9]


class TestPassingFailures:
    @REPEATABLE
    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_are_tried_again(
        self, method: str, status: int, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on(f"{method} /thing", *[refused(status, "maintenance")] * 4)

        error = failure(client, method)

        assert (type(error), error.exit_code, error.code) == (Unreachable, 8, "api_failed")
        assert error.message == f"{DOING} failed: Daytona returned {status}: maintenance"
        assert time.slept == PAUSES

    @REPEATABLE
    def test_of_several_kinds_may_be_over_in_time(
        self, method: str, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on(f"{method} /thing", refused(502), web_page(503), refused(504), ok([]))

        ask(client, method)

        assert time.slept == PAUSES

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_of_a_create_are_lost_answers(
        self, status: int, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on("POST /thing", refused(status, "maintenance"))

        error = failure(client, "POST")

        assert (type(error), error.code, time.slept) == (LostAnswer, "answer_lost", [])
        assert error.message == f"{DOING} failed: Daytona returned {status}: maintenance"


class TestEverythingElse:
    @EVERY
    def test_a_401_is_sent_exactly_once(
        self, method: str, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on(f"{method} /thing", refused(401, "Invalid credentials", Retry_After="1"))

        error = failure(client, method)

        assert (type(error), error.exit_code, error.code) == (NotAuthorised, 4, "key_invalid")
        assert error.message == "Daytona rejected the API key: Invalid credentials"
        assert "DAYTONA_API_KEY" in (error.hint or "")
        assert (len(wire.requests), time.slept) == (1, [])

    @EVERY
    @pytest.mark.parametrize("status", [302, 400, 403, 404, 409, 418, 422, 500, 501, 505, 599])
    def test_no_other_status_is_tried_again(
        self, method: str, status: int, client: DaytonaClient, wire: Wire, time: Time
    ) -> None:
        wire.on(f"{method} /thing", refused(status))

        assert type(failure(client, method)) is not LostAnswer
        assert (len(wire.requests), time.slept) == (1, [])
