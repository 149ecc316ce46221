"""The messages on the wire, and hosts that are down, slow or hostile."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from os2cli.analytics.deliveries import NotTaken, Refused
from os2cli.analytics.posthog_sdk import Project
from os2cli.analytics.spool import Event
from tests.analytics import KEY, OF_THE_SDK
from tests.certificates import Authority, TlsFront
from tests.posthog_server import PostHogServer
from tests.proxies import PASSWORD, USER, HttpProxy, SocksProxy

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


@pytest.fixture(params=["http", "http login", "socks5", "socks5 login"])
def proxy(
    request: pytest.FixtureRequest, posthog: PostHogServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HttpProxy | SocksProxy]:
    """A proxy of each kind, which alone knows PostHog."""
    scheme, _, login = request.param.partition(" ")
    kind = HttpProxy if scheme == "http" else SocksProxy
    hosts = {"ph.test": int(posthog.url.rpartition(":")[2])}
    with kind(hosts, login=bool(login)) as server:
        user = f"{USER}:{quote(PASSWORD, '')}@" if login else ""
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://{user}{server.address}")
        yield server


def post_to(host: str) -> None:
    project = Project(KEY, host)
    project.post([project.message(EVENT) or {}])


def test_events_go_through_a_proxy(proxy: HttpProxy, posthog: PostHogServer) -> None:
    post_to("http://ph.test")

    assert (len(posthog.events), proxy.asked) == (1, ["ph.test:80"])


def test_events_go_through_a_proxy_over_tls(
    proxy: HttpProxy, posthog: PostHogServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with TlsFront(authority.server("ph.test"), proxy.hosts["ph.test"]) as front:
        proxy.hosts = {"ph.test": front.port}
        post_to("https://ph.test")

    assert (len(posthog.events), proxy.asked) == (1, ["ph.test:443"])


def test_events_for_this_computer_go_through_none(
    proxy: HttpProxy, posthog: PostHogServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "fd00::/8")
    for host in ("127.0.0.1", "localhost", "ph.localhost"):
        post_to(posthog.url.replace("127.0.0.1", host))

    assert (len(posthog.events), proxy.asked) == (3, [])


@pytest.mark.parametrize("url", ["http://ph.test", "https://ph.test"])
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_to_blame_is_named(scheme: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with (HttpProxy if scheme == "http" else SocksProxy)({}, login=True) as server:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://jo:hush@{server.address}")
        with pytest.raises(NotTaken) as caught:
            post_to(url)

    named = f"cannot reach PostHog through the proxy {server.address} (ALL_PROXY)"
    assert str(caught.value) == named


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
