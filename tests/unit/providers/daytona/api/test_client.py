"""One request: what is sent, what counts as an answer, and what its failure says."""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from os2cli import __version__
from os2cli.core.errors import NotFound, OperationFailed, Unreachable, UsageError
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import CREATING, DEFAULT, FAST, RetryPolicy
from tests.clock import Time
from tests.proxies import HttpProxy, SocksProxy
from tests.unit.providers.daytona.wires import (
    ACCESS,
    DOING,
    KEY,
    Wire,
    ask,
    failure,
    ok,
    refused,
    web_page,
)


def every_httpx_error() -> list[type[Exception]]:
    """Return what a request may raise, also abstract ones."""
    found, new = set(), {httpx.HTTPError, httpx.InvalidURL}
    while new:
        found |= new
        new = {sub for kind in new for sub in kind.__subclasses__()} - found
    own = (kind for kind in found if kind.__module__.startswith("httpx"))
    return sorted(own, key=lambda kind: kind.__name__)


def made(kind: type[Exception]) -> Exception:
    if issubclass(kind, httpx.HTTPStatusError):
        return kind("why", request=httpx.Request("GET", "/"), response=httpx.Response(500))
    return kind("why")


class TestRequest:
    def test_a_read_carries_key_query_and_version(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on("GET /thing", ok({"a": 1}))

        assert client.get("/thing", {"name": "a/b&c", "page": 1}, doing=DOING) == {"a": 1}
        assert wire.last.headers["Authorization"] == f"Bearer {KEY}"
        assert wire.last.headers["User-Agent"] == f"os2/{__version__}"
        assert dict(wire.last.url.params) == {"name": "a/b&c", "page": "1"}

    def test_a_create_carries_its_body(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on("POST /thing", ok({}))

        client.create("/thing", {"name": "ü"}, doing=DOING)

        assert json.loads(wire.last.content) == {"name": "ü"}
        assert wire.last.headers["Content-Type"] == "application/json"

    def test_a_change_needs_no_body_and_no_json(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on("DELETE /thing", httpx.Response(204))

        client.change("DELETE", "/thing", doing=DOING)

        assert wire.last.content == b""

    @pytest.mark.parametrize("policy", [DEFAULT, CREATING, FAST])
    def test_the_policy_sets_the_timeouts(
        self, policy: RetryPolicy, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on("GET /thing", ok({}))

        client.get("/thing", doing=DOING, policy=policy)

        timeout = wire.last.extensions["timeout"]
        assert timeout["connect"] == policy.connect_seconds
        assert timeout["read"] == policy.answer_seconds

    def test_a_create_of_a_sandbox_outlasts_the_apis_own_wait(self) -> None:
        assert CREATING.answer_seconds > 30

    def test_headers_can_be_looked_at_alone(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on("GET /health", web_page())

        headers = client.response_headers("/health", doing=DOING, policy=FAST)

        assert headers["content-type"].startswith("text/html")


class TestAnswers:
    @pytest.mark.parametrize(
        "kind", ["application/json", "application/json; charset=utf-8", "application/problem+json"]
    )
    def test_json_is_one(self, kind: str, client: DaytonaClient, wire: Wire) -> None:
        headers = {"Content-Type": kind}
        wire.on("GET /thing", httpx.Response(200, content=b'["\xc3\xbc"]', headers=headers))

        assert client.get("/thing", doing=DOING) == ["ü"]

    @pytest.mark.parametrize(
        ("answer", "what"),
        [
            (web_page(), "text/html"),
            (httpx.Response(200, text="ok"), "text/plain"),
            (httpx.Response(204), "no type"),
            (httpx.Response(200), "no type"),
        ],
    )
    def test_everything_else_is_not_an_apis(
        self, answer: httpx.Response, what: str, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on("GET /thing", answer)

        error = failure(client)

        assert (type(error), error.exit_code, error.code) == (UsageError, 2, "api_url_wrong")
        assert error.message == f"{DOING} failed: unexpected response: {what}"
        assert error.hint == "set DAYTONA_API_URL to the API's own URL, which ends in /api"

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b'{"a": 1} and more', b"\xff\xfe\xfd", b'"\xff"', b"[" * 100_000],
        ids=["empty", "cut", "more", "no text", "not UTF-8", "deep"],
    )
    def test_broken_json_is_an_invalid_answer(
        self, body: bytes, client: DaytonaClient, wire: Wire
    ) -> None:
        headers = {"Content-Type": "application/json"}
        wire.on("GET /thing", httpx.Response(200, content=body, headers=headers))

        error = failure(client)

        assert (type(error), error.exit_code, error.code) == (OperationFailed, 1, "answer_invalid")
        assert error.message == f"{DOING} failed: invalid answer from Daytona (it is not JSON)"

    def test_broken_json_of_a_create_is_a_lost_answer(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        headers = {"Content-Type": "application/json"}
        wire.on("POST /thing", httpx.Response(200, content=b'{"id": "1', headers=headers))

        assert failure(client, "POST").code == "answer_lost"

    def test_a_web_page_for_a_create_made_nothing(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on("POST /thing", web_page())

        assert failure(client, "POST").code == "api_url_wrong"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_redirects_are_never_followed(
        self, status: int, method: str, client: DaytonaClient, wire: Wire
    ) -> None:
        headers = {"Location": "https://evil.example/api/thing"}
        wire.on(f"{method} /thing", httpx.Response(status, headers=headers))

        with pytest.raises(UsageError, match=f"unexpected response: HTTP {status}") as caught:
            ask(client, method)

        assert caught.value.code == "api_url_wrong"
        assert len(wire.requests) == 1


class TestForeignErrors:
    def test_they_are_all_walked(self) -> None:
        names = {kind.__name__ for kind in every_httpx_error()}
        assert {"ConnectError", "TooManyRedirects", "InvalidURL", "UnsupportedProtocol"} <= names
        assert len(names) > 15

    @pytest.mark.parametrize("kind", every_httpx_error())
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_none_gets_out(
        self, kind: type[Exception], method: str, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on(f"{method} /thing", *[made(kind)] * 4)

        with pytest.raises(Unreachable) as caught:
            ask(client, method)

        assert caught.value.message.startswith(f"{DOING} failed: cannot reach 127.0.0.1:3986:")
        assert isinstance(caught.value.__cause__, kind)
        wire.script.clear()

    def test_an_unknown_host_is_reported(self, client: DaytonaClient, wire: Wire) -> None:
        why = "[Errno -2] Name or service not known"
        wire.on("GET /thing", *[httpx.ConnectError(why)] * 4)

        assert failure(client).message.endswith(f"cannot reach 127.0.0.1:3986: {why}")

    def test_one_without_words_is_named(self, client: DaytonaClient, wire: Wire) -> None:
        wire.on("GET /thing", *[httpx.ReadError("")] * 4)

        assert failure(client).message.endswith("cannot reach 127.0.0.1:3986: ReadError")

    @pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "http://127.0.0.1:bad"])
    def test_an_unusable_proxy_is_left_out(
        self, proxy: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", proxy)

        error = failure(DaytonaClient(replace(ACCESS, url="https://daytona.invalid/api")))

        assert error.message.startswith(f"{DOING} failed: cannot reach daytona.invalid: ")

    @pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
    def test_a_proxy_that_is_not_there_is_named(
        self, scheme: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://jo:hush@127.0.0.1:1")
        client = DaytonaClient(replace(ACCESS, url="https://daytona.invalid/api"))

        error = failure(client, policy=FAST)

        assert (error.exit_code, error.code) == (8, "proxy_failed")
        assert "the proxy 127.0.0.1:1 (HTTPS_PROXY): " in error.message
        assert (error.hint or "").startswith("check HTTPS_PROXY; ")
        assert "hush" not in f"{error.message}{error.hint}"

    @pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_a_login_that_a_proxy_rejects_is_sent_once(
        self, kind: type[HttpProxy], method: str, monkeypatch: pytest.MonkeyPatch, time: Time
    ) -> None:
        with kind({}, login=True) as proxy:
            scheme = "http" if kind is HttpProxy else "socks5"
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://jo:hush@{proxy.address}")
            access = replace(ACCESS, url="https://daytona.invalid/api")
            error = failure(DaytonaClient(access, clock=time.clock), method)

        assert (error.exit_code, error.code, time.slept) == (8, "proxy_login", [])
        assert f"{scheme}://USER:PASSWORD@{proxy.address}" in (error.hint or "")
        assert "hush" not in f"{error.message}{error.hint}"


class TestSecrets:
    def test_the_key_is_hidden_when_the_api_repeats_it(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on("GET /thing", refused(401, f"no such key: Bearer {KEY}!"))

        assert failure(client).message.endswith("no such key: Bearer •••!")

    @pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 503])
    def test_a_token_is_hidden_in_every_refusal(self, status: int, wire: Wire, time: Time) -> None:
        access = replace(ACCESS, api_key=None, jwt="eyJ.secret.jwt", organization="org-1")
        client = DaytonaClient(access, transport=wire, clock=time.clock)
        wire.on("GET /thing", *[refused(status, "it was eyJ.secret.jwt")] * 4)

        assert "it was •••" in failure(client).message
        wire.script.clear()

    @pytest.mark.parametrize(
        "value",
        ["pass-word", "two\nlines", 'a"quote', "tab\there", "back\\slash", "ünïcode", "/a", 'ü"\n'],
    )
    def test_values_are_hidden_however_the_api_repeats_them(
        self, value: str, client: DaytonaClient, wire: Wire
    ) -> None:
        value = f"hush-{value}"
        client.keep_secret({"NAME": value})
        bodies: list[dict[str, object]] = [
            {"message": f"env.NAME is {value}"},
            {"message": [f"env.NAME is {value}", "and so on"]},
            {"error": f"env.NAME is {value}"},
            {"env": {"NAME": value}},
            {"message": {"NAME": value}},
        ]
        answers = [httpx.Response(400, json=body) for body in bodies]
        answers.append(httpx.Response(400, text=f"env.NAME is {value}"))
        answers.append(httpx.Response(400, text=json.dumps({"NAME": value}, ensure_ascii=True)))
        wire.on("GET /thing", *answers)

        for _ in answers:
            assert "hush" not in failure(client).message

    def test_in_the_words_of_a_broken_connection_too(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        wire.on("GET /thing", *[httpx.LocalProtocolError(f"Illegal header value {KEY}")] * 4)

        assert failure(client).message.endswith("Illegal header value •••")

    def test_of_values_that_hold_each_other_nothing_is_left(self, client: DaytonaClient) -> None:
        client.keep_secret({"A": "secret", "B": "secret-and-more"})
        assert client.redact("a secret-and-more, a secret") == "a •••, a •••"

    def test_short_and_empty_values_do_not_make_text_unreadable(
        self, client: DaytonaClient, wire: Wire
    ) -> None:
        client.keep_secret({"A": "", "B": "a", "C": "on"})
        wire.on("GET /thing", refused(404, "a machine is not on"))

        error = failure(client)

        assert (type(error), error.message) == (NotFound, f"{DOING} failed: a machine is not on")
