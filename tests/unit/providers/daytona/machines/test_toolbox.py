"""The API inside a sandbox: what its refusals and its silence mean."""

from __future__ import annotations

import io
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
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.unit.providers.daytona.answers import sandbox
from tests.unit.providers.daytona.guests import DONE, DOWNLOAD, FORGET, UPLOAD, GuestWire
from tests.unit.providers.daytona.guests import sandbox_path as path
from tests.unit.providers.daytona.wires import KEY, Wire, lost, ok, refused, web_page

ASK = f"GET {path('/thing')}"
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
        (408, Unreachable),
        (409, OperationFailed),
        (429, Unreachable),
        (500, OperationFailed),
        (502, Unreachable),
        (503, Unreachable),
        (504, Unreachable),
    ],
)
def test_a_refusal_is_the_failure_that_it_means(
    tools: Toolbox, guest: GuestWire, status: int, kind: type[Os2Error]
) -> None:
    guest.on(ASK, refused(status, "no such luck"))

    error = failure(tools)

    assert type(error) is kind
    assert error.message == f"trying it failed: Daytona returned {status}: no such luck"
    assert error.details["status"] == status


def test_one_that_does_not_run_is_to_be_started(tools: Toolbox, guest: GuestWire) -> None:
    guest.on(ASK, refused(400, "Sandbox is not running (state: stopped)"))

    error = failure(tools)

    assert type(error) is Conflict
    assert (error.code, error.hint) == ("machine_not_running", "start it: os2 machine start dev-1")


def test_a_refusal_shows_no_key_and_no_page(tools: Toolbox, guest: GuestWire) -> None:
    guest.on(ASK, refused(400, f"the key {KEY} is wrong"), web_page(500))

    first, second = failure(tools), failure(tools)

    assert KEY not in first.message
    assert second.message == "trying it failed: Daytona returned 500: a web page"


def test_a_key_that_is_cut_in_two_is_not_shown_either(tools: Toolbox, guest: GuestWire) -> None:
    guest.on(ASK, refused(400, "x" * 490 + KEY))

    assert KEY[:8] not in failure(tools).message


@pytest.mark.parametrize("answer", [b"[]", b"no JSON", b'"text"', b"", b"[" * 100_000])
def test_other_json_is_an_invalid_answer(tools: Toolbox, guest: GuestWire, answer: bytes) -> None:
    headers = {"content-type": "application/json"}
    guest.on(ASK, httpx.Response(200, content=answer, headers=headers))

    assert failure(tools).code == "answer_invalid"


@pytest.mark.parametrize(
    "error", [lost(), httpx.ConnectError(f"refused {KEY}"), httpx.ReadTimeout("late")]
)
def test_silence_is_unreachable(tools: Toolbox, guest: GuestWire, error: Exception) -> None:
    guest.on(ASK, error)

    found = failure(tools)

    assert type(found) is Unreachable
    assert KEY not in found.message


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

        tools.upload(io.BytesIO(b"\x00\xff"), "/tmp/a b&c", DOING)

        assert guest.last.url.params["path"] == "/tmp/a b&c"
        assert b"\x00\xff" in guest.last.content

    def test_a_download_comes_in_pieces(self, tools: Toolbox, guest: GuestWire) -> None:
        guest.on(DOWNLOAD, httpx.Response(200, content=b"\x00\xff" * 9))

        with tools.download("/tmp/x", DOING) as pieces:
            assert b"".join(pieces) == b"\x00\xff" * 9

    def test_one_that_breaks_off_is_unreachable(self, tools: Toolbox, guest: GuestWire) -> None:
        def broken() -> Iterator[bytes]:
            yield b"a part"
            raise lost()

        guest.on(DOWNLOAD, httpx.Response(200, content=broken()), lost(), refused(503))

        for _ in range(3):
            with pytest.raises(Unreachable), tools.download("/tmp/x", DOING) as pieces:
                list(pieces)

    def test_a_file_that_can_t_be_removed_is_left(self, tools: Toolbox, guest: GuestWire) -> None:
        guest.on(FORGET, refused(500), lost())

        tools.forget("/tmp/x")
        tools.forget("/tmp/x")
