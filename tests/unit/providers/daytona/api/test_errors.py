"""Every status and every sentence that the API refuses with, and what os2 makes of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from os2cli.core.errors import (
    Conflict,
    NotAuthorised,
    NotFound,
    OperationFailed,
    Os2Error,
    Unreachable,
    UsageError,
)
from os2cli.core.redaction import HIDDEN
from os2cli.providers.daytona.api.client import DaytonaClient
from tests.unit.providers.daytona.wires import KEY, Wire, refused, web_page

DOING = "creating machine dev-1"


def refusal(
    client: DaytonaClient, wire: Wire, answer: httpx.Response, needs: str = "write:sandboxes"
) -> Os2Error:
    wire.on("POST /thing", answer)
    with pytest.raises(Os2Error) as caught:
        client.create("/thing", {}, doing=DOING, needs=needs)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("status", "said", "kind", "code"),
    [
        (400, "name must be a string", OperationFailed, "request_refused"),
        (422, "name must be a string", OperationFailed, "request_refused"),
        (400, "No available runners", OperationFailed, "no_runner"),
        (400, "Total CPU limit exceeded. Maximum allowed: 10.", OperationFailed, "quota_exceeded"),
        (400, "Total memory limit exceeded. Maximum allowed: 20GiB.", OperationFailed, None),
        (400, "Total disk limit exceeded.", OperationFailed, "quota_exceeded"),
        (400, "Snapshot quota exceeded. Maximum allowed: 100", OperationFailed, "quota_exceeded"),
        (
            400,
            "CPU request 8 exceeds the maximum allowed per sandbox (4)",
            OperationFailed,
            "quota_exceeded",
        ),
        (
            400,
            "Snapshot dev--1 not found. Did you add it through the Daytona Dashboard?",
            NotFound,
            "snapshot_not_found",
        ),
        (400, "Snapshot dev--1 is inactive", Conflict, "snapshot_inactive"),
        (400, "Sandbox failed to start: no such file", OperationFailed, "request_refused"),
        (401, "Invalid credentials", NotAuthorised, "key_invalid"),
        (403, "Forbidden resource", NotAuthorised, "not_permitted"),
        (403, "Organization is suspended: unpaid", NotAuthorised, "not_permitted"),
        (404, "Sandbox with ID or name dev-1 not found", NotFound, "not_found"),
        (409, "Sandbox with name dev-1 already exists", Conflict, "conflict"),
        (409, "Sandbox state change in progress", Conflict, "conflict"),
        (405, "Method Not Allowed", OperationFailed, "request_refused"),
        (413, "request entity too large", OperationFailed, "request_refused"),
        (451, "not there", OperationFailed, "request_refused"),
        (500, "Internal server error", Unreachable, "api_failed"),
        (501, "Not implemented", Unreachable, "api_failed"),
        (302, "over there", UsageError, "api_url_wrong"),
        (304, "as before", UsageError, "api_url_wrong"),
    ],
)
def test_each_has_its_kind_and_code(
    status: int,
    said: str,
    kind: type[Os2Error],
    code: str | None,
    client: DaytonaClient,
    wire: Wire,
) -> None:
    error = refusal(client, wire, refused(status, said))

    assert type(error) is kind
    assert error.code == (code or "quota_exceeded")
    assert DOING in error.message or status == 401
    assert said in error.message or kind is UsageError


def test_kinds_have_the_exit_codes_that_scripts_know() -> None:
    kinds = (OperationFailed, UsageError, NotFound, NotAuthorised, Conflict, Unreachable)
    assert [kind.exit_code for kind in kinds] == [1, 2, 3, 4, 5, 8]


class TestHints:
    def test_a_missing_permission_is_named(self, client: DaytonaClient, wire: Wire) -> None:
        error = refusal(client, wire, refused(403, "Forbidden"), needs="delete:snapshots")

        assert error.message == f"{DOING} is not allowed: Forbidden"
        assert "an API key with the permission delete:snapshots" in (error.hint or "")
        assert "suspended" in (error.hint or "")
        assert error.details == {"permission": "delete:snapshots"}

    def test_a_read_names_no_permission(self, client: DaytonaClient, wire: Wire) -> None:
        error = refusal(client, wire, refused(403, "Forbidden"), needs="")

        assert "another API key" in (error.hint or "")
        assert error.details == {}

    @pytest.mark.parametrize(
        ("status", "said", "hint"),
        [
            (400, "Snapshot x not found", "os2 snapshot resolve --explain"),
            (400, "Snapshot x is inactive", "os2 snapshot resolve --explain"),
            (400, "Snapshot quota exceeded", "os2 snapshot prune"),
            (400, "No available runners", "DAYTONA_TARGET"),
            (404, "Region not found", "unset it"),
            (400, "Snapshot x is not available in region eu", "DAYTONA_TARGET"),
            (403, "Region eu is not available to the organization for class vm", "DAYTONA_TARGET"),
            (401, "Invalid credentials", "DAYTONA_API_KEY"),
            (409, "State change in progress", "retry"),
            (500, "oh", "os2 doctor"),
        ],
    )
    def test_the_others_say_what_to_do(
        self, status: int, said: str, hint: str, client: DaytonaClient, wire: Wire
    ) -> None:
        assert hint in (refusal(client, wire, refused(status, said)).hint or "")


class TestWords:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"message": "a sentence", "error": "Bad Request"}, "a sentence"),
            ({"message": ["one", "two"], "error": "Bad Request"}, "one; two"),
            ({"message": [{"field": "name"}]}, '{"field": "name"}'),
            ({"message": {"why": "ü"}}, '{"why": "ü"}'),
            ({"message": "", "error": "Bad Request"}, "Bad Request"),
            ({"message": None, "error": "Bad Request"}, "Bad Request"),
            ({"message": [], "error": "Bad Request"}, "Bad Request"),
            ({"error": "Bad Request", "code": "X", "source": "runner"}, "Bad Request"),
            ({"code": 7}, '{"code": 7}'),
            ({"message": 7}, "7"),
            ({"message": " two\n\n lines\t"}, "two lines"),
            (["a", "list"], '["a","list"]'),
            ("text", '"text"'),
        ],
    )
    def test_in_json_are_found(
        self, body: Any, words: str, client: DaytonaClient, wire: Wire
    ) -> None:
        answer = httpx.Response(400, json=body)

        assert refusal(client, wire, answer).message == f"{DOING} failed: {words}"

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (httpx.Response(500, text="upstream is gone"), ": upstream is gone"),
            (httpx.Response(500, text="two\n lines\n"), ": two lines"),
            (web_page(500), ": a web page"),
            (httpx.Response(500), " (no details)"),
            (httpx.Response(500, text=" \n"), " (no details)"),
            (
                httpx.Response(500, content=b"{", headers={"content-type": "application/json"}),
                ": {",
            ),
            (httpx.Response(500, content=b"\xff\xfe"), ": ��"),
        ],
        ids=["text", "lines", "web page", "nothing", "blank", "broken JSON", "bytes"],
    )
    def test_of_other_kinds_are_shown_as_they_are(
        self, answer: httpx.Response, words: str, client: DaytonaClient, wire: Wire
    ) -> None:
        message = refusal(client, wire, answer).message

        assert message == f"{DOING} failed: Daytona returned 500{words}"

    @pytest.mark.parametrize("nested", [b"[" * 100_000, b'{"message":' * 50_000])
    def test_that_are_nested_without_end_do_no_harm(
        self, nested: bytes, client: DaytonaClient, wire: Wire
    ) -> None:
        answer = httpx.Response(400, content=nested, headers={"content-type": "application/json"})

        assert refusal(client, wire, answer).code == "request_refused"

    def test_without_end_are_cut(self, client: DaytonaClient, wire: Wire) -> None:
        message = refusal(client, wire, refused(400, "word " * 20_000)).message

        assert len(message) < 600
        assert message.startswith(f"{DOING} failed: word word")

    def test_are_cut_after_secrets_were_hidden(self, client: DaytonaClient, wire: Wire) -> None:
        for before in range(470, 502):
            message = refusal(client, wire, refused(400, "-" * before + KEY)).message

            assert KEY[:4] not in message
            assert message[-1] in f"-{HIDDEN}"


class TestOtherServers:
    """A server behind a wrong address must not make os2 say that a machine does not exist."""

    @pytest.mark.parametrize(
        "answer", [web_page(404), httpx.Response(404, text="404 page not found"), web_page(301)]
    )
    def test_differ_from_an_api_that_finds_nothing(
        self, answer: httpx.Response, client: DaytonaClient, wire: Wire
    ) -> None:
        error = refusal(client, wire, answer)

        assert (type(error), error.code) == (UsageError, "api_url_wrong")
        assert "DAYTONA_API_URL" in (error.hint or "")
