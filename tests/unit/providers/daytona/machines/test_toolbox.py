"""The API inside a sandbox: what its refusals and its silence mean."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from os2cli.core.errors import (
    Conflict,
    NotAuthorised,
    NotFound,
    OperationFailed,
    Os2Error,
    Unreachable,
)
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.wire import SandboxAnswer
from os2cli.providers.daytona.machines.files import download, upload
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.clock import Time
from tests.unit.providers.daytona.answers import sandbox
from tests.unit.providers.daytona.guests import DONE, DOWNLOAD, UPLOAD, GuestWire
from tests.unit.providers.daytona.guests import sandbox_path as path
from tests.unit.providers.daytona.wires import KEY, Wire, lost, ok, refused, web_page

ASK = f"GET {path('/thing')}"
LOOK = f"GET /api/sandbox/{sandbox()['id']}"
DOING = "trying it"


def failure(tools: Toolbox) -> Os2Error:
    """Return the error of a request, which must have a hint."""
    with pytest.raises(Os2Error) as caught:
        tools.json("GET", "/thing", DOING)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, OperationFailed),
        (401, NotAuthorised),
        (403, NotAuthorised),
        (404, NotFound),
        (409, OperationFailed),
        (410, OperationFailed),
        (500, OperationFailed),
    ],
)
def test_a_refusal_is_the_failure_that_it_means(
    tools: Toolbox, guest: GuestWire, status: int, kind: type[Os2Error]
) -> None:
    guest.on(ASK, refused(status, "no such luck")).on(LOOK, ok(sandbox()))

    error = failure(tools)

    assert type(error) is kind
    assert error.message == f"trying it failed: Daytona returned {status}: no such luck"
    assert error.details["status"] == status


PASSING = [408, 429, 502, 503, 504]


@pytest.mark.parametrize(
    "trouble", [lost(), httpx.ConnectError("refused"), httpx.ReadTimeout("late"), *PASSING], ids=str
)
def test_what_passes_is_retried(
    tools: Toolbox, guest: GuestWire, time: Time, trouble: Exception | int
) -> None:
    answer = refused(trouble) if isinstance(trouble, int) else trouble
    for _ in range(5):
        guest.on(ASK, answer).on(LOOK, ok(sandbox()))
    guest.on(ASK, ok({"a": 1}))

    assert tools.json("GET", "/thing", DOING) == {"a": 1}
    assert sum(time.slept) < 60


def test_a_rate_limit_is_waited_for(tools: Toolbox, guest: GuestWire, time: Time) -> None:
    guest.on(ASK, refused(429, Retry_After="7")).on(LOOK, ok(sandbox())).on(ASK, ok({}))

    tools.json("GET", "/thing", DOING)

    assert sum(time.slept) == 7


STATES = {
    "stopped": (Conflict, "machine_not_running"),
    "stopping": (Conflict, "machine_not_running"),
    "archived": (Conflict, "machine_not_running"),
    "error": (Conflict, "machine_not_running"),
    "destroying": (NotFound, "machine_not_found"),
    "destroyed": (NotFound, "machine_not_found"),
    None: (NotFound, "machine_not_found"),
}


@pytest.mark.parametrize("answer", [lost(), 400, 401, 403, 404, 409, 500, 502, 503], ids=str)
@pytest.mark.parametrize("state", STATES)
def test_any_answer_for_a_machine_that_is_not_running(
    tools: Toolbox, guest: GuestWire, answer: Exception | int, state: str | None
) -> None:
    guest.on(ASK, refused(answer, "any words") if isinstance(answer, int) else answer)
    guest.on(LOOK, ok(sandbox(state=state)) if state else refused(404))

    error = failure(tools)

    assert (type(error), error.code) == STATES[state]
    assert "dev-1" in error.message


def test_of_an_api_that_does_not_answer_nothing_is_known(tools: Toolbox, guest: GuestWire) -> None:
    guest.on(ASK, refused(400)).on(LOOK, lost())

    assert type(failure(tools)) is OperationFailed


def test_a_refusal_shows_no_key_and_no_page(tools: Toolbox, guest: GuestWire) -> None:
    guest.on(ASK, refused(400, f"the key {KEY} is wrong")).on(LOOK, ok(sandbox()))
    guest.on(ASK, web_page(500)).on(LOOK, ok(sandbox()))

    first, second = failure(tools), failure(tools)

    assert KEY not in first.message
    assert second.message == "trying it failed: Daytona returned 500: a web page"


def test_a_key_that_is_cut_in_two_is_not_shown_either(tools: Toolbox, guest: GuestWire) -> None:
    guest.on(ASK, refused(400, "x" * 490 + KEY)).on(LOOK, ok(sandbox()))

    assert KEY[:8] not in failure(tools).message


@pytest.mark.parametrize("answer", [b"[]", b"no JSON", b'"text"', b"", b"[" * 100_000])
def test_other_json_is_an_invalid_answer(tools: Toolbox, guest: GuestWire, answer: bytes) -> None:
    headers = {"content-type": "application/json"}
    guest.on(ASK, httpx.Response(200, content=answer, headers=headers))

    assert failure(tools).code == "answer_invalid"


def test_silence_is_unreachable(tools: Toolbox, guest: GuestWire) -> None:
    for error in (lost(), httpx.ConnectError(f"refused {KEY}"), httpx.ReadTimeout("late")):
        guest.on(ASK, error)
        with pytest.raises(Unreachable) as caught:
            tools.send("GET", "/thing", DOING)
        assert KEY not in caught.value.message


def test_a_sandbox_without_an_address_has_no_inside(client: DaytonaClient) -> None:
    answer = SandboxAnswer.model_validate(sandbox(toolboxProxyUrl=None))

    with pytest.raises(OperationFailed, match="no toolbox URL for machine dev-1"):
        Toolbox(client, answer, "dev-1")


def test_another_host_gets_no_key_unless_the_api_says_it_is_its(
    client: DaytonaClient, wire: Wire
) -> None:
    there = SandboxAnswer.model_validate(sandbox(toolboxProxyUrl="https://elsewhere.test/toolbox"))
    wire.on("GET /config", ok({"proxyToolboxUrl": "https://proxy.test/toolbox"}))
    wire.on(f"GET https://elsewhere.test/toolbox/{there.id}/thing", ok({}))

    Toolbox(client, there, "dev-1").request("GET", "/thing", DOING)

    assert "authorization" not in wire.last.headers


class TestFiles:
    def test_an_upload_is_one_file_under_its_path(self, tools: Toolbox, guest: GuestWire) -> None:
        guest.on(UPLOAD, DONE)

        upload(tools, b"\x00\xff", "/tmp/a b&c", DOING)

        assert guest.last.url.params["path"] == "/tmp/a b&c"
        assert b"\x00\xff" in guest.last.content

    def test_a_download_begins_at_a_byte(self, tools: Toolbox, guest: GuestWire) -> None:
        bytes_ = {"Content-Type": "application/octet-stream"}
        part = httpx.Response(206, headers=bytes_, content=iter([b"ab", b"c"]))
        guest.on(DOWNLOAD, part, httpx.Response(416))

        assert list(download(tools, "/tmp/x", DOING, 7)) == [b"ab", b"c"]
        assert guest.last.headers["range"] == "bytes=7-"
        assert list(download(tools, "/tmp/x", DOING, 10)) == []

    def test_one_that_breaks_off_is_unreachable(self, tools: Toolbox, guest: GuestWire) -> None:
        def broken() -> Iterator[bytes]:
            yield b"a part"
            raise lost()

        guest.on(DOWNLOAD, httpx.Response(200, content=broken()), lost(), refused(503))

        for _ in range(3):
            with pytest.raises(Unreachable):
                list(download(tools, "/tmp/x", DOING))
