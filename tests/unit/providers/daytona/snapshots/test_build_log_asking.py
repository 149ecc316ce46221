"""Who is asked for the builder's log, how often, and who gets the key; with a scripted wire."""

from __future__ import annotations

import threading
import time as real_time
from itertools import pairwise

import httpx
import pytest

from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.snapshots.build_log import BuildLog, read_log
from tests.unit.providers.daytona.answers import snapshot
from tests.unit.providers.daytona.wires import (
    DEADLINE_SECONDS,
    KEY,
    Wire,
    ok,
    refused,
    web_page,
)

ADDRESS = "GET /snapshots/1/build-logs-url"
LOG = "GET /snapshots/1/build-logs"
STATE = "GET /snapshots/1"
LIMITED_SECONDS = 60


def address(url: str = "http://127.0.0.1:3986/api/snapshots/1/build-logs") -> httpx.Response:
    return ok({"url": url})


def text(*lines: str) -> httpx.Response:
    return httpx.Response(200, text="".join(f"{line}\n" for line in lines))


def begins(wire: Wire, line: str = LOG, *, state: str = "building") -> Wire:
    """Expect the questions before the first stream: what earlier builds wrote, and the state."""
    return wire.on(line, text()).on(STATE, ok(snapshot(id="1", state=state)))


class TestAsking:
    def follow(self, client: DaytonaClient) -> tuple[str, ...]:
        log, lines = BuildLog(client, "1"), list[str]()
        with log.followed(lines.append):
            log.drain(DEADLINE_SECONDS, DEADLINE_SECONDS)
        return log.tail

    def test_an_address_that_is_late_is_asked_for_again(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, refused(404), ok({}), address()).on(LOG, refused(404))
        begins(wire.on(ADDRESS, address())).on(LOG, text("one"))

        assert self.follow(client) == ("one",)

    @pytest.mark.parametrize("answer", [httpx.ReadError("reset"), httpx.ConnectError("refused")])
    def test_one_that_is_not_reached_is_asked_for_again(
        self, answer: Exception, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address()).on(LOG, answer)
        begins(wire.on(ADDRESS, address())).on(LOG, answer)
        wire.on(ADDRESS, address()).on(LOG, text("one"))

        assert self.follow(client) == ("one",)

    @pytest.mark.parametrize("status", [401, 403])
    def test_who_is_refused_does_not_ask_again(
        self, status: int, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, refused(status))

        assert self.follow(client) == ()

    @pytest.mark.parametrize("status", [401, 403])
    def test_who_is_refused_the_log_does_not_ask_again(
        self, status: int, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address()).on(LOG, refused(status))

        assert self.follow(client) == ()

    def test_a_rate_limit_is_kept(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on(ADDRESS, refused(429, Retry_After_authenticated=f"{LIMITED_SECONDS}"))
        log, lines = BuildLog(client, "1"), list[str]()
        began = real_time.monotonic()
        with log.followed(lines.append):
            log.drain(0.5, 0.5)

        # Longer than the pause between two attempts, and the end does not wait for the limit.
        took = real_time.monotonic() - began
        assert (len(wire.requests), took < LIMITED_SECONDS / 2) == (1, True)

    def test_the_apis_own_address_gets_the_key(self, client: DaytonaClient, wire: Wire) -> None:
        begins(wire.on(ADDRESS, address())).on(LOG, text("one"))

        self.follow(client)

        assert wire.last.headers["Authorization"] == f"Bearer {KEY}"
        assert wire.last.url.params["follow"] == "true"

    @pytest.mark.parametrize("config", [ok({}), refused(500), web_page()])
    def test_a_foreign_host_gets_none(
        self, config: httpx.Response, client: DaytonaClient, wire: Wire
    ) -> None:
        url = "https://logs.example/1?token=abc"
        wire.on(ADDRESS, address(url)).on("GET /config", config)
        begins(wire, "GET https://logs.example/1").on("GET https://logs.example/1", text("one"))

        assert self.follow(client) == ("one",)
        assert KEY not in str(wire.last.headers.raw)
        assert dict(wire.last.url.params) == {"token": "abc", "follow": "true"}

    def test_the_proxy_that_the_api_names_its_own_gets_it(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address("https://proxy.example/1"))
        wire.on("GET /config", ok({"proxyToolboxUrl": "https://proxy.example/toolbox"}))
        begins(wire, "GET https://proxy.example/1").on("GET https://proxy.example/1", text("one"))

        assert self.follow(client) == ("one",)
        assert wire.last.headers["Authorization"] == f"Bearer {KEY}"

    def test_secrets_are_not_passed_on(self, client: DaytonaClient, wire: Wire) -> None:
        client.keep_secret({"TOKEN": "hush-hush"})
        begins(wire.on(ADDRESS, address())).on(LOG, text(f"echo hush-hush {KEY}", "end"))

        assert self.follow(client) == ("echo ••• •••", "end")

    def test_after_the_block_nothing_is_sent(self, client: DaytonaClient, wire: Wire) -> None:
        asked, go_on = threading.Event(), threading.Event()

        def late(request: httpx.Request) -> httpx.Response:
            asked.set()
            assert go_on.wait(DEADLINE_SECONDS)
            return refused(404)

        wire.on(ADDRESS, late)
        log, lines = BuildLog(client, "1"), list[str]()
        with log.followed(lines.append):
            assert asked.wait(DEADLINE_SECONDS)
        go_on.set()
        log.drain(DEADLINE_SECONDS, DEADLINE_SECONDS)

        assert len(wire.requests) == 1

    def test_a_log_that_is_not_there_yet_is_asked_for_less_and_less(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        """Each question costs the API several, of the same key's rate limit."""
        asked: list[float] = []

        def late(request: httpx.Request) -> httpx.Response:
            asked.append(real_time.monotonic())
            return refused(404)

        wire.on(ADDRESS, *[late] * 10)
        log = BuildLog(client, "1")
        with log.followed(list[str]().append):
            real_time.sleep(4.0)
        wire.script.clear()

        pauses = [after - before for before, after in pairwise(asked)]
        assert len(asked) == 4
        assert all(after > 1.5 * before for before, after in pairwise(pauses))

    def test_the_end_of_the_build_does_not_wait_for_the_pause(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, *[refused(404)] * 3)
        log = BuildLog(client, "1")
        with log.followed(list[str]().append):
            # The next question would be 2 s away.
            while len(wire.requests) < 3:
                real_time.sleep(0.01)
            begins(wire.on(ADDRESS, address())).on(LOG, text("the reason"))
            began = real_time.monotonic()
            log.drain(0.4, 3.0)

        assert log.tail == ("the reason",)
        assert real_time.monotonic() - began < 1


OLD = ("Building image...", "#1 [internal] load", "#2 ERROR: old")
NEW = ("Building image...", "#1 [internal] load", "#2 ERROR: new")


class TestOwnLines:
    """Builds of one text and context append to one file."""

    @pytest.mark.parametrize("before", [0, 1, 3])
    def test_only_the_last_build_is_passed_on(
        self, before: int, client: DaytonaClient, wire: Wire
    ) -> None:
        lines = list[str]()
        wire.on(ADDRESS, address()).on(LOG, text(*OLD * before))
        wire.on(STATE, ok(snapshot(id="1", state="pending")))
        wire.on(LOG, text(*OLD * before, *NEW))
        log = BuildLog(client, "1")
        with log.followed(lines.append):
            log.drain(DEADLINE_SECONDS, DEADLINE_SECONDS)

        assert (tuple(lines), log.tail) == (NEW, NEW)

    @pytest.mark.parametrize("so_far", range(1, 4))
    def test_one_that_runs_already_is_passed_on_from_its_start(
        self, so_far: int, client: DaytonaClient, wire: Wire
    ) -> None:
        lines = list[str]()
        wire.on(ADDRESS, address()).on(LOG, text(*OLD, *OLD, *NEW[:so_far]))
        wire.on(STATE, ok(snapshot(id="1", state="building")))
        wire.on(LOG, text(*OLD, *OLD, *NEW))
        log = BuildLog(client, "1")
        with log.followed(lines.append):
            log.drain(DEADLINE_SECONDS, DEADLINE_SECONDS)

        assert (tuple(lines), log.tail) == (NEW, NEW)

    def test_the_tail_begins_with_a_build_that_was_started_again(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address()).on(LOG, text(*OLD))
        wire.on(STATE, ok(snapshot(id="1", state="building"))).on(LOG, text(*OLD, *NEW))
        log = BuildLog(client, "1")
        with log.followed(list[str]().append):
            log.drain(DEADLINE_SECONDS, DEADLINE_SECONDS)

        assert log.tail == NEW

    @pytest.mark.parametrize("builds", [(), (NEW,), (OLD, NEW), (OLD, OLD, NEW)])
    def test_a_log_that_is_read_is_that_of_the_last_build(
        self, builds: tuple[tuple[str, ...], ...], client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address()).on(LOG, text(*(line for build in builds for line in build)))

        assert tuple(read_log(client, "1")) == (NEW if builds else ())
