"""Who is asked for the builder's log, how often, and who gets the key; with a scripted wire."""

from __future__ import annotations

import threading
import time as real_time

import httpx
import pytest

from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.snapshots.build_log import BuildLog
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


def address(url: str = "http://127.0.0.1:3986/api/snapshots/1/build-logs") -> httpx.Response:
    return ok({"url": url})


def text(*lines: str) -> httpx.Response:
    return httpx.Response(200, text="".join(f"{line}\n" for line in lines))


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
        wire.on(ADDRESS, address()).on(LOG, text("one"))

        assert self.follow(client) == ("one",)

    @pytest.mark.parametrize("answer", [httpx.ReadError("reset"), httpx.ConnectError("refused")])
    def test_one_that_is_not_reached_is_asked_for_again(
        self, answer: Exception, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address()).on(LOG, answer).on(ADDRESS, address()).on(LOG, text("one"))

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
        wire.on(ADDRESS, refused(429, Retry_After_authenticated="60"))
        log, lines = BuildLog(client, "1"), list[str]()
        began = real_time.monotonic()
        with log.followed(lines.append):
            log.drain(0.5, 0.5)

        # Longer than the pause between two attempts, and the end does not wait for the limit.
        assert (len(wire.requests), real_time.monotonic() - began < 2) == (1, True)

    def test_the_apis_own_address_gets_the_key(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on(ADDRESS, address()).on(LOG, text("one"))

        self.follow(client)

        assert wire.last.headers["Authorization"] == f"Bearer {KEY}"
        assert wire.last.url.params["follow"] == "true"

    @pytest.mark.parametrize("config", [ok({}), refused(500), web_page()])
    def test_a_foreign_host_gets_none(
        self, config: httpx.Response, client: DaytonaClient, wire: Wire
    ) -> None:
        url = "https://logs.example/1?token=abc"
        wire.on(ADDRESS, address(url)).on("GET /config", config)
        wire.on("GET https://logs.example/1", text("one"))

        assert self.follow(client) == ("one",)
        assert KEY not in str(wire.last.headers.raw)
        assert dict(wire.last.url.params) == {"token": "abc", "follow": "true"}

    def test_the_proxy_that_the_api_names_its_own_gets_it(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(ADDRESS, address("https://proxy.example/1"))
        wire.on("GET /config", ok({"proxyToolboxUrl": "https://proxy.example/toolbox"}))
        wire.on("GET https://proxy.example/1", text("one"))

        assert self.follow(client) == ("one",)
        assert wire.last.headers["Authorization"] == f"Bearer {KEY}"

    def test_secrets_are_not_passed_on(self, client: DaytonaClient, wire: Wire) -> None:
        client.keep_secret({"TOKEN": "hush-hush"})
        wire.on(ADDRESS, address()).on(LOG, text(f"echo hush-hush {KEY}", "end"))

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
