"""Programs in a sandbox, whose API may be slow, late, forgetful or gone."""

from __future__ import annotations

import io
import shlex
import subprocess

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import Conflict, NotAuthorised, OperationFailed, Os2Error, Unreachable
from os2cli.core.models import Command, Streams
from os2cli.providers.daytona.machines.executions import SILENT_SECONDS, Execution, shell_line
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.clock import Time
from tests.unit.providers.daytona.guests import (
    CREATE,
    DONE,
    END,
    FORGET,
    LOGS,
    START,
    STATE,
    UPLOAD,
    GuestWire,
    begun,
    looks,
    run,
    state,
    wrote,
)
from tests.unit.providers.daytona.wires import lost, ok, refused


@pytest.fixture
def execution(tools: Toolbox, time: Time) -> Execution:
    return Execution(tools, "running x in machine dev-1", time.clock)


def test_what_it_writes_comes_once_and_with_its_exit_code(
    execution: Execution, guest: GuestWire
) -> None:
    looks(begun(guest), (None, ""), (None, "one\n"), (None, "one\n"), (7, "one\ntwo\n"))
    guest.on(END, DONE)

    assert run(execution) == (7, b"one\ntwo\n", b"")


def test_both_streams_come_apart(execution: Execution, guest: GuestWire) -> None:
    begun(guest).on(STATE, state(0)).on(LOGS, wrote("out\n", "err\n")).on(END, DONE)

    assert run(execution) == (0, b"out\n", b"err\n")


def test_a_server_that_does_not_tell_them_apart_has_one(
    execution: Execution, guest: GuestWire
) -> None:
    begun(guest).on(STATE, state(), state(0)).script.insert(3, (LOGS, ok({"output": "one\n"})))
    guest.on(LOGS, ok({"output": "one\ntwo\n"})).on(END, DONE)

    assert run(execution) == (0, b"one\ntwo\n", b"")


def test_a_log_that_is_older_than_the_one_before_repeats_nothing(
    execution: Execution, guest: GuestWire
) -> None:
    looks(begun(guest), (None, "one\ntwo\n"), (None, "one\n"), (None, ""), (0, "one\ntwo\n3\n"))
    guest.on(END, DONE)

    assert run(execution) == (0, b"one\ntwo\n3\n", b"")


def test_a_character_comes_when_it_is_whole(execution: Execution, guest: GuestWire) -> None:
    looks(begun(guest), (None, "caf\ufffd"), (None, "café \ufffd\ufffd"), (0, "café €\n"))
    guest.on(END, DONE)

    assert run(execution)[1] == "café €\n".encode()


def test_invalid_utf_8_at_the_end_is_replaced(execution: Execution, guest: GuestWire) -> None:
    looks(begun(guest), (None, "a\ufffd"), (0, "a\ufffd")).on(END, DONE)

    assert run(execution)[1] == "a\ufffd".encode()


@pytest.mark.parametrize(
    "trouble",
    [lost(), httpx.ReadTimeout("late"), refused(502), refused(503), refused(429), refused(408)],
    ids=lambda trouble: type(trouble).__name__ + str(getattr(trouble, "status_code", "")),
)
def test_trouble_on_the_way_does_not_end_it(
    execution: Execution, guest: GuestWire, trouble: Exception | httpx.Response
) -> None:
    looks(begun(guest), (None, "one\n")).on(STATE, trouble, state()).on(LOGS, trouble)
    looks(guest, (3, "one\ntwo\n")).on(END, DONE)

    assert run(execution) == (3, b"one\ntwo\n", b"")


def test_silence_that_lasts_ends_the_waiting_and_the_program(
    execution: Execution, guest: GuestWire, time: Time
) -> None:
    begun(guest).on(STATE, *[lost()] * (int(SILENT_SECONDS) + 1)).on(END, DONE)

    with pytest.raises(Unreachable):
        run(execution)

    assert sum(time.slept) == SILENT_SECONDS


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(400, "Sandbox is not running (state: stopped)"), Conflict),
        (refused(403), NotAuthorised),
        (refused(500), OperationFailed),
    ],
    ids=["stopped", "forbidden", "broken"],
)
def test_a_final_error_is_raised_at_once(
    execution: Execution,
    guest: GuestWire,
    time: Time,
    answer: httpx.Response,
    kind: type[Os2Error],
) -> None:
    looks(begun(guest), (None, "one\n")).on(STATE, answer).on(END, refused(400))

    with pytest.raises(kind) as caught:
        run(execution)

    assert caught.value.hint
    assert sum(time.slept) < 1


@pytest.mark.parametrize("code", [None, "0", 1.5, [], True])
def test_an_exit_code_that_is_none_is_waited_for(
    execution: Execution, guest: GuestWire, code: object
) -> None:
    begun(guest).on(STATE, ok({"id": "c1", "exitCode": code}))
    looks(guest.on(LOGS, wrote("")), (4, "")).on(END, DONE)

    assert run(execution)[0] == 4


@pytest.mark.parametrize("answer", [{}, {"cmdId": None}, {"cmdId": 7}])
def test_a_command_without_an_id_is_malformed_and_ended(
    execution: Execution, guest: GuestWire, answer: dict[str, object]
) -> None:
    guest.on(CREATE, httpx.Response(201)).on(START, httpx.Response(202, json=answer))
    guest.on(END, DONE)

    with pytest.raises(OperationFailed, match="cmdId is missing"):
        run(execution)


def test_older_servers_call_the_id_otherwise(execution: Execution, guest: GuestWire) -> None:
    guest.on(CREATE, httpx.Response(201)).on(START, ok({"commandId": "c1"}))
    looks(guest, (0, "")).on(END, DONE)

    assert run(execution)[0] == 0


@pytest.mark.parametrize("at", [CREATE, START])
def test_a_lost_answer_leaves_no_session(execution: Execution, guest: GuestWire, at: str) -> None:
    if at == START:
        guest.on(CREATE, httpx.Response(201))
    guest.on(at, lost()).on(END, DONE)

    with pytest.raises(Unreachable):
        run(execution)


def test_who_stops_reading_ends_it(execution: Execution, guest: GuestWire) -> None:
    class Closed(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError

    looks(begun(guest), (None, "one\n")).on(END, lost())

    with pytest.raises(BrokenPipeError):
        execution.run(Command(("x",)), Streams(Closed(), Closed()))


def test_the_undoing_is_not_waited_for_long(execution: Execution, guest: GuestWire) -> None:
    guest.on(UPLOAD, lost())
    guest.script.insert(0, (CREATE, httpx.Response(201)))
    guest.on(FORGET, DONE).on(END, DONE)

    with pytest.raises(Unreachable):
        run(execution, stdin=b"x")

    waits = [r.extensions["timeout"]["read"] for r in guest.requests if r.method == "DELETE"]
    assert max(waits) <= 2


def test_stdin_is_brought_as_a_file_that_is_removed(execution: Execution, guest: GuestWire) -> None:
    guest.on(CREATE, httpx.Response(201)).on(UPLOAD, DONE)
    guest.on(START, httpx.Response(202, json={"cmdId": "c1"}))
    looks(guest, (0, "")).on(FORGET, DONE).on(END, DONE)

    run(execution, stdin=b"some text")

    upload, start = guest.requests[1:3]
    assert b"some text" in upload.content
    assert f"< {upload.url.params['path']}" in start.content.decode()


def test_of_a_long_stderr_the_end_is_kept(execution: Execution, guest: GuestWire) -> None:
    begun(guest).on(STATE, state(1)).on(LOGS, wrote("out", "x" * 100_000 + "end")).on(END, DONE)

    assert b"".join(execution.output(Command(("x",)))) == b"out"
    assert execution.stderr.endswith(b"xend")
    assert len(execution.stderr) == 64 * 1024


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(st.lists(WORDS, max_size=4), WORDS)
def test_a_shell_makes_of_the_line_exactly_the_arguments(words: list[str], value: str) -> None:
    script = 'printf "%s\\0" "$VALUE" "$@"'
    command = Command(("sh", "-c", script, "sh", *words), {"VALUE": value}, "/")

    done = subprocess.run(["sh", "-c", shell_line(command, "/dev/null")], capture_output=True)

    assert done.stdout == b"".join(f"{word}\0".encode() for word in (value, *words))


def test_a_folder_that_is_not_there_runs_nothing() -> None:
    line = shell_line(Command(("echo", "ran"), {}, "/no such folder"), "/dev/null")

    done = subprocess.run(["sh", "-c", line], capture_output=True)

    assert (done.returncode != 0, done.stdout) == (True, b"")
    assert shlex.quote("/no such folder") in line
