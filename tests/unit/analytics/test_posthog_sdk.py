"""The messages on the wire, and hosts that are down, slow or hostile."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from os2cli.analytics.deliveries import NotTaken, Refused
from os2cli.analytics.posthog_sdk import Project
from os2cli.analytics.spool import Event
from tests.analytics import KEY, OF_THE_SDK
from tests.posthog_server import PostHogServer

EVENT = Event(
    "machine_created",
    "somebody",
    {"count": 2, "$environment": "stg"},
    {"organization": "acme", "project": "app"},
)


def post(server: PostHogServer, *events: Event) -> list[dict[str, object]]:
    project = Project(KEY, server.url)
    messages = [project.message(event) for event in events]
    project.post([message for message in messages if message is not None])
    return [message for message in messages if message is not None]


def test_an_event_arrives_as_it_is_shown(posthog: PostHogServer) -> None:
    (shown,) = post(posthog, EVENT)

    (arrived,) = posthog.events
    assert arrived == shown
    assert arrived["event"] == "machine_created"
    assert (arrived["distinct_id"], arrived["uuid"]) == ("somebody", EVENT.uuid)
    assert arrived["timestamp"] == EVENT.timestamp
    groups = {"$groups": {"organization": "acme", "project": "app"}}
    ours = {k: v for k, v in arrived["properties"].items() if k not in OF_THE_SDK}
    assert ours == {"count": 2, "$environment": "stg", **groups}


def test_the_sender_s_address_is_not_located(posthog: PostHogServer) -> None:
    post(posthog, EVENT)

    assert posthog.events[0]["properties"]["$geoip_disable"] is True


def test_no_property_identifies_the_computer(posthog: PostHogServer) -> None:
    post(posthog, EVENT)

    for private in (socket.gethostname(), str(Path.home()), str(Path.cwd())):
        assert private not in posthog.everything


def test_a_batch_is_one_request(posthog: PostHogServer) -> None:
    post(posthog, *(Event(f"event {number}", "somebody", {}) for number in range(100)))

    assert (len(posthog.events), len(posthog.requests)) == (100, 1)


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("refuse", "PostHog rejected the API key: 401"),
        ("fail", "PostHog returned 503"),
        ("flood", "cannot reach PostHog: ConnectionError"),
        ("redirect", "cannot reach PostHog: TooManyRedirects"),
    ],
)
def test_a_temporary_failure_is_not_taken(behaviour: str, why: str, posthog: PostHogServer) -> None:
    posthog.behaviour = behaviour

    with pytest.raises(NotTaken, match=why):
        post(posthog, EVENT)

    # No request is repeated at once, or sent elsewhere.
    assert len(posthog.requests) == 1


def test_a_hanging_host_times_out(posthog: PostHogServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os2cli.analytics.posthog_sdk.ANSWER_SECONDS", 0.1)
    posthog.behaviour = "hang"

    with pytest.raises(NotTaken, match="timed out"):
        post(posthog, EVENT)


def test_an_unreachable_host_is_reported() -> None:
    project = Project(KEY, "http://127.0.0.1:1")

    with pytest.raises(NotTaken, match="cannot reach PostHog"):
        project.post([{"event": "x"}])


def test_a_rejected_message_is_distinguished(posthog: PostHogServer) -> None:
    posthog.unwanted = {"machine_created"}

    with pytest.raises(Refused, match="400"):
        post(posthog, EVENT)


def test_no_login_from_netrc_is_sent(
    posthog: PostHogServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password canary-of-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))

    post(posthog, EVENT)

    assert "authorization" not in posthog.requests[0].headers
