"""Programs in a sandbox, through connections and a server that fail."""

from __future__ import annotations

import io
import os
import threading
import tracemalloc
from pathlib import Path
from typing import BinaryIO, cast

import httpx
import pytest

from os2cli.core.clock import REAL_TIME
from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error, Unreachable
from os2cli.core.models import Command, Streams
from os2cli.providers.daytona.machines.executions import Execution
from os2cli.providers.daytona.machines.spool import Spool
from os2cli.providers.daytona.machines.toolbox import Patience, Toolbox
from tests.clock import Time
from tests.daytona_server import DaytonaServer, Fault
from tests.polling import until
from tests.unit.providers.daytona.answers import sandbox
from tests.unit.providers.daytona.guests import CREATE, DONE, END, FOLDER, START, GuestWire
from tests.unit.providers.daytona.machines.conftest import Counting, toolbox_of
from tests.unit.providers.daytona.wires import lost, ok, refused

LOOK = f"GET /api/sandbox/{sandbox()['id']}"
SESSION = "/toolbox/.*/process/session"
COMMAND = f"{SESSION}/[^/]+/command/[^/]+"
FILES = "/toolbox/.*/files"
PASSING = {
    "dropped": Fault(drop=True),
    "lost": Fault(lose_answer=True),
    "truncated": Fault(truncate=True),
    "429": Fault(status=429, headers={"Retry-After": "0"}),
    "502": Fault(status=502, body="", content_type="text/html"),
    "503": Fault(status=503),
    "504": Fault(status=504),
}
REQUESTS = {
    "session": ("POST", SESSION),
    "start": ("POST", f"{SESSION}/[^/]+/exec"),
    "state": ("GET", COMMAND),
    "output": ("GET", f"{FILES}/download"),
    "input": ("POST", f"{COMMAND}/input"),
    "upload": ("POST", f"{FILES}/upload"),
    "info": ("GET", f"{FILES}/info"),
    "end": ("DELETE", f"{SESSION}/[^/]+"),
}


@pytest.fixture
def execution(real_toolbox: Toolbox) -> Execution:
    return Execution(real_toolbox, "running x in machine dev-1", REAL_TIME)


def run(execution: Execution, *argv: str, stdin: bytes | None = None) -> tuple[int, bytes, bytes]:
    stdout, stderr = io.BytesIO(), io.BytesIO()
    source = None if stdin is None else io.BytesIO(stdin)
    code = execution.run(Command(argv), Streams(stdout, stderr, source))
    return code, stdout.getvalue(), stderr.getvalue()


STRANGERS = {
    "page": Fault(status=200, body="<html>Welcome</html>", content_type="text/html"),
    "JSON": Fault(status=200, body={"size": 3}),
    "nothing": Fault(status=200, body=None),
}


@pytest.mark.parametrize("fault", STRANGERS)
def test_a_strangers_answer_shows_no_file(
    daytona: DaytonaServer, real_toolbox: Toolbox, fault: str
) -> None:
    """Else the file of a program that has not started would count as lost when it is missing."""
    daytona.fail_next(*REQUESTS["output"], STRANGERS[fault], times=20)
    spool = Spool(real_toolbox, "/nowhere", "mark")

    with pytest.raises(Unreachable):
        list(spool.news("running x"))

    assert not spool.seen


@pytest.mark.parametrize("request_", ["output", "input", "upload", "info"])
@pytest.mark.parametrize("fault", STRANGERS.values(), ids=STRANGERS)
def test_a_success_that_is_not_the_toolboxs_is_not_taken_for_one(
    daytona: DaytonaServer, execution: Execution, fault: Fault, request_: str
) -> None:
    data = os.urandom(100_000)
    daytona.fail_next(*REQUESTS[request_], fault)

    code, stdout, stderr = run(execution, "cat", stdin=data)

    assert daytona.faults.left == 0
    assert (code, stdout, stderr) == (0, data, b"")


@pytest.mark.parametrize(
    ("fault", "request_"),
    [
        *((fault, request) for fault in ("lost", "502") for request in REQUESTS),
        *((fault, "output") for fault in PASSING if fault not in ("lost", "502")),
    ],
)
def test_a_passing_failure_is_retried(
    daytona: DaytonaServer, execution: Execution, fault: str, request_: str
) -> None:
    """The program runs once, and every byte passes once."""
    data = os.urandom(100_000)
    mark = daytona.home("dev-1") / "runs"
    daytona.fail_next(*REQUESTS[request_], PASSING[fault], times=2)

    script = f"echo run >>{mark}; sleep 0.2; cat; exit 3"
    result = run(execution, "sh", "-c", script, stdin=data)

    assert result == (3, data, b"")
    assert mark.read_text() == "run\n"


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_input_passes_when_one_look_at_the_output_fails(
    daytona: DaytonaServer, number: int
) -> None:
    class Dropping(httpx.HTTPTransport):
        found = 0

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            if request.url.path.endswith("/files/download") and response.status_code != 404:
                self.found += 1
                assert self.found < 100, "it waits for ever"
                if self.found == number:
                    response.close()
                    raise httpx.ReadError("dropped")
            return response

    daytona.add_sandbox("dev-1", snapshot="base")
    with toolbox_of(daytona, Dropping()) as toolbox:
        execution = Execution(toolbox, "running x in machine dev-1", REAL_TIME)
        assert run(execution, "cat", stdin=b"in") == (0, b"in", b"")


def test_output_is_downloaded_once_and_not_kept(execution: Execution, transport: Counting) -> None:
    size = 8_000_000
    command = Command(("sh", "-c", f"head -c {size} /dev/urandom; sleep 0.3; echo end"))
    tracemalloc.start()
    try:
        received = sum(map(len, execution.output(command)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert received == size + 4
    assert transport.received < 1.05 * size
    assert peak < size / 2


def test_input_passes_while_the_program_runs(execution: Execution) -> None:
    source, sink = os.pipe()
    seen: list[bytes] = []
    answered = threading.Event()

    class Screen(io.BytesIO):
        def write(self, data: object) -> int:
            seen.append(bytes(data))  # type: ignore[call-overload]
            answered.set()
            return len(seen[-1])

    def type_() -> None:
        for line in (b"one\n", b"two\n"):
            answered.clear()
            os.write(sink, line)
            assert answered.wait(10)
        os.close(sink)

    typing = threading.Thread(target=type_)
    with os.fdopen(source, "rb") as stdin:
        typing.start()
        code = execution.run(Command(("cat",)), Streams(Screen(), Screen(), stdin))
        typing.join()

    assert (code, seen) == (0, [b"one\n", b"two\n"])


def test_a_slow_reader_does_not_fill_the_disk(execution: Execution) -> None:
    class Endless:
        def read(self, size: int) -> bytes:
            return b"\0" * size

    stdout = io.BytesIO()
    command = Command(("sh", "-c", f"sleep 1; ls /tmp/{execution.session}"))
    code = execution.run(command, Streams(stdout, io.BytesIO(), cast("BinaryIO", Endless())))

    names = stdout.getvalue().split()
    assert (code, b"keeper" in names) == (0, True)
    assert len([name for name in names if name.startswith(b"input")]) <= 1


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [("stopped", Conflict, "machine_not_running"), (None, NotFound, "machine_not_found")],
    ids=["stopped", "removed"],
)
def test_a_machine_that_ends_is_reported(
    daytona: DaytonaServer,
    execution: Execution,
    state: str | None,
    kind: type[Os2Error],
    code: str,
) -> None:
    started = threading.Event()

    class Screen(io.BytesIO):
        def write(self, _: object) -> int:
            started.set()
            return 0

    def end() -> None:
        assert started.wait(10)
        if state is None:
            path = f"/sandbox/{daytona.sandbox('dev-1').id}"
            execution.toolbox.client.change("DELETE", path, doing="removing it")
        else:
            daytona.sandbox("dev-1").state = state

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(kind) as caught:
        execution.run(Command(("sh", "-c", "echo started; sleep 100")), Streams(Screen(), Screen()))
    ending.join()

    assert caught.value.code == code
    assert caught.value.hint


def test_who_stops_reading_ends_it(daytona: DaytonaServer, execution: Execution) -> None:
    class Closed(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        execution.run(Command(("yes",)), Streams(Closed(), Closed()))

    until(lambda: not Path(f"/tmp/{execution.session}").exists())


def test_a_full_disk_is_reported(execution: Execution) -> None:
    file = f"/tmp/{execution.session}/stdout"
    # Its writer opens it when it starts, and that may be later than the program.
    script = f"echo x; until [ -s {file} ]; do sleep 0.01; done; rm {file}; sleep 100"

    with pytest.raises(OperationFailed, match="its output was lost") as caught:
        run(execution, "sh", "-c", script)

    assert "df -h" in (caught.value.hint or "")


def test_a_sandbox_where_nothing_can_be_written_is_reported(
    execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "os2cli.providers.daytona.machines.keeper.Keeper.folder", "/proc/os2-nothing"
    )

    with pytest.raises(OperationFailed, match="/proc/os2-nothing"):
        run(execution, "true")


def test_of_a_long_stderr_the_end_is_kept(execution: Execution) -> None:
    script = "echo out; head -c 100000 /dev/zero | tr '\\0' x >&2; echo end >&2"

    assert b"".join(execution.output(Command(("sh", "-c", script)))) == b"out\n"
    assert execution.stderr.endswith(b"xend\n")
    assert len(execution.stderr) == 64 * 1024


class TestScripted:
    """What no real server does."""

    @pytest.fixture
    def execution(self, tools: Toolbox, time: Time) -> Execution:
        return Execution(tools, "running x in machine dev-1", time.clock)

    @pytest.mark.parametrize("answer", [{}, {"cmdId": None}, {"cmdId": 7}])
    def test_a_command_without_an_id_is_malformed_and_ended(
        self, execution: Execution, guest: GuestWire, answer: dict[str, object]
    ) -> None:
        guest.on(CREATE, DONE).on(START, ok(answer)).on(END, DONE).on(FOLDER, refused(404))

        with pytest.raises(OperationFailed, match="cmdId is missing"):
            run(execution, "x")

    def test_the_undoing_is_not_waited_for_long(
        self, execution: Execution, guest: GuestWire
    ) -> None:
        guest.on(CREATE, refused(400)).on(LOOK, refused(503)).on(END, lost())

        with pytest.raises(OperationFailed):
            run(execution, "x")

        assert guest.last.extensions["timeout"]["read"] <= 2


def test_patience_ends_after_a_minute(tools: Toolbox, guest: GuestWire, time: Time) -> None:
    guest.on(LOOK, *[refused(503)] * 40)
    patience, failure = Patience(tools), Unreachable("no answer")

    def fail() -> None:
        while True:
            patience.after(failure)

    with pytest.raises(Unreachable):
        fail()

    assert 60 <= sum(time.slept) < 70
    guest.script.clear()
