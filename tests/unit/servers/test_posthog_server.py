"""The PostHog test server accepts what the official SDK sends, and rejects what PostHog would."""

from __future__ import annotations

import httpx
import pytest
from posthog import Posthog

from tests.posthog_server import PostHogServer


@pytest.mark.parametrize("gzip", [False, True])
def test_it_accepts_the_sdk_s_events(gzip: bool) -> None:
    with PostHogServer() as server:
        client = Posthog("phc_test", host=server.url, gzip=gzip)
        client.capture("hello", distinct_id="somebody", properties={"a": 1})
        client.group_identify("organization", "acme", {"name": "Acme"})
        client.shutdown()

        (hello,) = server.named("hello")
        assert hello["distinct_id"] == "somebody"
        assert hello["properties"]["a"] == 1
        assert len(server.named("$groupidentify")) == 1
        assert '"hello"' in server.everything


@pytest.mark.parametrize(
    "message", [{}, {"api_key": "k"}, {"api_key": "k", "event": "e"}, {"event": "e"}]
)
def test_it_rejects_an_incomplete_message(message: dict[str, str]) -> None:
    with PostHogServer() as server:
        answer = httpx.post(f"{server.url}/capture/", json=message)

        assert answer.status_code == 400
        assert server.events == []
