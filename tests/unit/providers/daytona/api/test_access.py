"""Who asks and where: what is refused before anything is sent, and who may be sent the key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import NotAuthorised, UsageError
from os2cli.providers.daytona.api.access import checked_url, login_headers, may_receive_key
from os2cli.providers.daytona.api.client import DaytonaClient
from tests.unit.providers.daytona.wires import ACCESS, Wire, ok

PUBLIC = "https://app.daytona.io/api"


class TestUrl:
    @pytest.mark.parametrize(
        "url",
        [
            PUBLIC,
            "https://daytona.example.com:8443/api",
            "http://localhost:3000/api",
            "http://LOCALHOST:3000/api",
            "http://127.0.0.1:3986/api",
            "http://[::1]:3986/api",
            "http://daytona.localhost:3000/api",
            "http://API.Daytona.LOCALHOST:3000/api",
            "http://daytona.localhost.:3000/api",
            "http://127.9.8.7:3000/api",
        ],
    )
    def test_https_anywhere_and_http_on_this_computer_are_taken(self, url: str) -> None:
        assert checked_url(DaytonaAccess(url)) == url

    @pytest.mark.parametrize(
        ("url", "problem"),
        [
            ("http://app.daytona.io/api", "is plain HTTP"),
            ("http://localhost.evil.example/api", "is plain HTTP"),
            ("http://127.0.0.1.evil.example/api", "is plain HTTP"),
            ("http://10.0.0.1/api", "is plain HTTP"),
            (
                "https://me:" + "hunter2@app.daytona.io/api",
                "must not hold a user name or a password",
            ),
            ("https://:" + "hunter2@app.daytona.io/api", "must not hold a user name or a password"),
            ("https://hunter2@app.daytona.io/api", "must not hold a user name or a password"),
            ("http://hunter2@127.0.0.1/api", "must not hold a user name or a password"),
            ("", "is not a web address"),
            ("app.daytona.io/api", "is not a web address"),
            ("//app.daytona.io/api", "is not a web address"),
            ("ftp://app.daytona.io/api", "is not a web address"),
            ("file:///etc/passwd", "is not a web address"),
            ("https://", "is not a web address"),
            ("https:///api", "is not a web address"),
            ("https://app.daytona.io:hunter2/api", "is not a web address"),
            ("https://app.daytona.io:99999/api", "is not a web address"),
            ("https://[::1/api", "is not a web address"),
            ("https://app..daytona.io/api", "is not a web address"),
            (f"https://{'a' * 64}.example/api", "is not a web address"),
            ("https://app daytona.io/api", "is not a web address"),
            ("https://app.daytona.io/api?token=hunter2", "must not hold a query"),
            ("https://app.daytona.io/api#hunter2", "must not hold a query or a fragment"),
        ],
    )
    def test_everything_else_is_refused_without_being_shown(self, url: str, problem: str) -> None:
        with pytest.raises(UsageError) as caught:
            checked_url(DaytonaAccess(url, "DAYTONA_API_URL", api_key="k"))

        error = caught.value
        assert (error.exit_code, error.code) == (2, "api_url_invalid")
        assert f"(DAYTONA_API_URL) {problem}" in error.message
        assert "DAYTONA_API_URL" in (error.hint or "")
        assert "hunter2" not in f"{error.message}{error.hint}{error.details}"

    def test_nothing_is_sent_to_a_refused_address(self, wire: Wire) -> None:
        access = replace(ACCESS, url="http://app.daytona.io/api")
        client = DaytonaClient(access, transport=wire)

        with pytest.raises(UsageError):
            client.get("/config", doing="asking")

        assert wire.requests == []


class TestLogin:
    def test_a_key_is_a_bearers(self) -> None:
        access = replace(ACCESS, jwt="a.b.c", organization="org-1")
        assert login_headers(access) == {"Authorization": f"Bearer {ACCESS.api_key}"}

    def test_a_token_names_its_organisation(self) -> None:
        access = DaytonaAccess(PUBLIC, jwt="a.b.c", organization="org-1")
        assert login_headers(access) == {
            "Authorization": "Bearer a.b.c",
            "X-Daytona-Organization-ID": "org-1",
        }

    def test_neither_is_not_authorised(self) -> None:
        with pytest.raises(NotAuthorised, match="no API key for Daytona") as caught:
            login_headers(DaytonaAccess(PUBLIC))

        assert (caught.value.exit_code, caught.value.code) == (4, "key_missing")
        assert "DAYTONA_API_KEY" in (caught.value.hint or "")

    def test_a_token_requires_an_organisation(self) -> None:
        with pytest.raises(UsageError, match="but DAYTONA_ORGANIZATION_ID is not") as caught:
            login_headers(DaytonaAccess(PUBLIC, jwt="a.b.c"))

        assert caught.value.code == "organization_missing"
        assert "DAYTONA_ORGANIZATION_ID" in (caught.value.hint or "")

    @pytest.mark.parametrize(
        "secret", ["hun\nter", "hun\r\nX-Evil: ter", "hun ter", "hun\tter", "hün-ter", "hun\0ter"]
    )
    @pytest.mark.parametrize(
        ("field", "variable"),
        [
            ("api_key", "DAYTONA_API_KEY"),
            ("jwt", "DAYTONA_JWT_TOKEN"),
            ("organization", "DAYTONA_ORGANIZATION_ID"),
        ],
    )
    def test_what_can_not_stand_in_a_header_is_refused_without_being_shown(
        self, field: str, variable: str, secret: str, wire: Wire
    ) -> None:
        values = {"jwt": "a.b.c", "organization": "org-1", field: secret}
        client = DaytonaClient(DaytonaAccess(PUBLIC, **values), transport=wire)

        with pytest.raises(UsageError, match=variable) as caught:
            client.get("/config", doing="asking")

        assert (caught.value.exit_code, caught.value.code) == (2, "key_invalid")
        assert "ter" not in caught.value.message.replace("character", "")
        assert wire.requests == []

    def test_secrets_are_in_no_representation(self) -> None:
        shown = repr(DaytonaAccess(PUBLIC, api_key="hunter2", jwt="hunter3"))
        assert "hunter" not in shown


class TestMayHaveKey:
    @pytest.mark.parametrize(
        "other",
        [
            "https://app.daytona.io/api/snapshots/1/build-logs",
            "https://APP.Daytona.IO/logs",
            "https://app.daytona.io:8443/logs",
        ],
    )
    def test_the_api_itself_may(self, other: str) -> None:
        assert may_receive_key(PUBLIC, other)

    @pytest.mark.parametrize(
        "other",
        [
            "https://app.daytona.io.evil.example/logs",
            "https://evildaytona.io/logs",
            "https://daytona.io.evil.example/logs",
            "https://evil.example/app.daytona.io",
            "https://evil.example/?x=.daytona.io",
            "https://evil.example#.daytona.io",
            "https://app.daytona.io@evil.example/logs",
            "https://app.daytona.io:443@evil.example/logs",
            "http://app.daytona.io/logs",
            "http://proxy.daytona.io/logs",
            "http://127.0.0.1/logs",
            "https://127.0.0.1/logs",
            "ws://app.daytona.io/logs",
            "//app.daytona.io/logs",
            "/logs",
            "",
            "https://",
            "https://[::1",
            "https://[app.daytona.io]/logs",
        ],
    )
    def test_other_hosts_may_not(self, other: str) -> None:
        assert not may_receive_key(PUBLIC, other)

    @pytest.mark.parametrize(
        ("other", "may"),
        [
            ("http://127.0.0.1:9999/logs", True),
            ("http://localhost:9999/logs", True),
            ("http://[::1]:9999/logs", True),
            ("http://10.0.0.1/logs", False),
            ("https://app.daytona.io/logs", False),
            ("https://localhost.evil.example/logs", False),
            ("http://127.0.0.1.evil.example/logs", False),
        ],
    )
    def test_a_server_on_this_computer_has_its_other_ports(self, other: str, may: bool) -> None:
        assert may_receive_key("http://127.0.0.1:3986/api", other) is may

    def test_neighbours_under_the_same_domain_are_others(self) -> None:
        assert may_receive_key("https://daytona.example/api", "https://daytona.example/logs")
        for other in ("proxy.app.daytona.io", "proxy.daytona.io", "daytona.io"):
            assert not may_receive_key(PUBLIC, f"https://{other}/logs")

    def test_the_client_sends_the_key_there_alone(self, wire: Wire) -> None:
        client = DaytonaClient(replace(ACCESS, url=PUBLIC), transport=wire)
        proxy = {"proxyToolboxUrl": "https://proxy.app.daytona.io/toolbox"}
        wire.on("GET https://app.daytona.io/api/config", ok(proxy))

        assert client.connections_for("https://proxy.app.daytona.io/x") is client.http
        assert client.connections_for("https://3000-abc.proxy.app.daytona.io/x") is client.visitor
        assert client.connections_for("https://evil.example/x") is client.visitor
        assert "Authorization" in client.http.headers
        assert "Authorization" not in client.visitor.headers
