"""A Daytona that floods, drips, hangs or lies: each request ends in time, as an error of ours."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.deadline import within
from os2cli.core.errors import Os2Error, TimedOut
from os2cli.core.waiting import Wait
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import RetryPolicy
from os2cli.providers.daytona.api.wire import SandboxAnswer
from os2cli.providers.daytona.machines import log_stream
from os2cli.providers.daytona.machines.files import download
from os2cli.providers.daytona.machines.listing import list_sandboxes
from os2cli.providers.daytona.machines.previews import Previews
from os2cli.providers.daytona.machines.session_log import session_lines
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.slow_answers import SLOW, WRONG, Answering
from tests.unit.providers.daytona.answers import sandbox
from tests.unit.providers.daytona.wires import KEY

SECONDS = 0.4
POLICY = RetryPolicy(
    attempts=1,
    answer_seconds=SECONDS,
    whole_seconds=SECONDS,
    connect_seconds=SECONDS,
    longest_wait_seconds=0.0,
)
DOING = "trying it"
EVERY = {**SLOW, **WRONG}


def _toolbox(client: DaytonaClient) -> Toolbox:
    answer = sandbox(toolboxProxyUrl=f"{client.access.url}/toolbox")
    return Toolbox(client, SandboxAnswer.model_validate(answer), "dev-1")


REQUESTS: dict[str, Callable[[DaytonaClient], object]] = {
    "get": lambda client: client.get("/x", doing=DOING, policy=POLICY),
    "create": lambda client: client.create("/x", {"a": 1}, doing=DOING, policy=POLICY),
    "change": lambda client: client.change("POST", "/x", doing=DOING, policy=POLICY),
    "headers": lambda client: client.response_headers("/x", doing=DOING, policy=POLICY),
    "list": lambda client: list(list_sandboxes(client, DOING, policy=POLICY)),
    "toolbox": lambda client: _toolbox(client).send("GET", "/x", DOING, seconds=SECONDS),
}
STREAMS: dict[str, Callable[[DaytonaClient], object]] = {
    "log": lambda client: next(
        session_lines(_toolbox(client), "/x", DOING, seconds=SECONDS, retry=False), None
    ),
    "followed log": lambda client: next(
        log_stream.log_messages(_toolbox(client), "/x", DOING), None
    ),
    "download": lambda client: next(download(_toolbox(client), "/x", DOING, 5), None),
}
# What happens to a head; a body that is streamed may take its time.
HEADS = ("hang", "status line", "headers", "many headers", "interim answers", "endless headers")


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[DaytonaClient]:
    """A client of a server that answers in the way of the parameter."""
    with Answering(EVERY[request.param]) as server:
        access = DaytonaAccess(f"{server.url}/api", "DAYTONA_API_URL", api_key=KEY)
        with DaytonaClient(access) as client:
            yield client


def ends_as_ours(ask: Callable[[], object], seconds: float) -> None:
    began = time.monotonic()
    tracemalloc.start()
    try:
        with suppress(Os2Error):
            ask()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < seconds
    assert peak < 150_000_000


@pytest.mark.parametrize("what", REQUESTS)
@pytest.mark.parametrize("served", EVERY, indirect=True)
def test_every_request_ends_in_time(served: DaytonaClient, what: str) -> None:
    ends_as_ours(lambda: REQUESTS[what](served), 4 * SECONDS + 4)


@pytest.mark.parametrize("what", STREAMS)
@pytest.mark.parametrize("served", HEADS, indirect=True)
def test_the_head_of_what_is_streamed_comes_in_time(
    served: DaytonaClient, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_stream, "CONNECT_SECONDS", SECONDS)

    with within(SECONDS):
        ends_as_ours(lambda: STREAMS[what](served), SECONDS + 5)


@pytest.mark.parametrize("served", SLOW, indirect=True)
def test_an_answer_that_does_not_end_is_an_error_with_a_hint(served: DaytonaClient) -> None:
    with pytest.raises(Os2Error) as caught:
        REQUESTS["get"](served)

    assert caught.value.hint
    assert "unexpected" not in caught.value.message


# A proxy's answer is only a head.
@pytest.mark.parametrize(
    ("slow", "proxy"),
    [*((each, False) for each in SLOW), *((each, True) for each in HEADS if each in SLOW)],
)
def test_what_takes_all_of_the_time_is_asked_for_once(
    slow: str, proxy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Answering(SLOW[slow]) as server:
        url = server.url
        if proxy:
            monkeypatch.setenv("HTTPS_PROXY", server.url)
            url = "https://api.test"
        access = DaytonaAccess(f"{url}/api", "DAYTONA_API_URL", api_key=KEY)
        with DaytonaClient(access) as client, pytest.raises(Os2Error):
            client.get("/x", doing=DOING, policy=replace(POLICY, attempts=4))

        assert server.asked == 1


@pytest.mark.parametrize("served", SLOW, indirect=True)
def test_a_preview_that_does_not_end_is_not_healthy(
    served: DaytonaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os2cli.providers.daytona.machines.previews.PROBE_SECONDS", SECONDS)
    monkeypatch.setattr("os2cli.providers.daytona.machines.previews.FAST", POLICY)

    ends_as_ours(lambda: Previews(served).probe("one"), 4 * SECONDS + 3)


@pytest.mark.parametrize("served", SLOW, indirect=True)
def test_a_wait_is_over_at_its_deadline(served: DaytonaClient) -> None:
    wait = Wait("it", 1.0, lambda _: TimedOut("late", hint="go on"), go_on="os2 wait")
    began = time.monotonic()

    with pytest.raises(Os2Error):
        wait.ask(lambda: served.get("/x", doing=DOING))

    # The last question has 3 s.
    assert time.monotonic() - began < 1.0 + 3.0 + 3.0
