"""A session's log in the forms that servers answer with."""

from __future__ import annotations

import httpx
import pytest

from os2cli.core.errors import Unreachable
from os2cli.providers.daytona.machines.session_log import session_lines
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.unit.providers.daytona.guests import GuestWire, sandbox_path
from tests.unit.providers.daytona.wires import KEY, ok

ASK = f"GET {sandbox_path('/thing')}"
DOING = "trying it"


@pytest.mark.parametrize(
    "answer",
    [
        ok({"output": "one\ntwo", "stdout": "one\n", "stderr": "two"}),
        ok({"output": "\x01\x01\x01one\n\x02\x02\x02two", "stdout": "one\n", "stderr": "two"}),
        ok({"stdout": "one\n", "stderr": "two"}),
        ok({"output": None, "stdout": "one\n", "stderr": "two"}),
        httpx.Response(200, text="one\ntwo"),
        httpx.Response(200, text="\x01\x01\x01one\n\x02\x02\x02two"),
    ],
    ids=["output", "marked output", "apart", "null", "text", "marked text"],
)
def test_every_form_of_it_is_text(tools: Toolbox, guest: GuestWire, answer: httpx.Response) -> None:
    guest.on(ASK, answer)

    assert list(session_lines(tools, "/thing", DOING)) == ["one", "two"]
    # A client that does not name itself gets another form.
    assert guest.last.headers["x-daytona-sdk-version"] >= "0.167"


def test_the_key_is_not_shown(tools: Toolbox, guest: GuestWire) -> None:
    guest.on(ASK, ok({"output": f"key={KEY}\n"}))

    assert list(session_lines(tools, "/thing", DOING)) == ["key=•••"]


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8"])
def test_a_page_is_not_the_log(tools: Toolbox, guest: GuestWire, kind: str) -> None:
    page = httpx.Response(200, headers={"Content-Type": kind}, content=b"<html>Welcome</html>")
    guest.on(ASK, page)

    with pytest.raises(Unreachable, match=kind):
        list(session_lines(tools, "/thing", DOING, retry=False))
