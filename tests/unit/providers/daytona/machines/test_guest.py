"""Logs and files of a sandbox, whose API may be late, forgetful or gone."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from itertools import islice

import httpx
import pytest

from os2cli.core.errors import Conflict, NotFound, OperationFailed, Unreachable, UsageError
from os2cli.core.models import LogRequest
from os2cli.providers.daytona.machines.guest import Guest
from os2cli.providers.daytona.machines.toolbox import Toolbox
from tests.clock import Time
from tests.unit.providers.daytona.guests import (
    CREATE,
    DONE,
    DOWNLOAD,
    END,
    ENTRYPOINT,
    FORGET,
    LOGS,
    START,
    STARTED,
    STATE,
    UPLOAD,
    GuestWire,
    begun,
    looks,
    state,
    wrote,
)
from tests.unit.providers.daytona.wires import KEY, lost, ok, refused

STOPPED = refused(400, "Sandbox is not running (state: stopped)")
FOLLOW = LogRequest(follow=True)


@pytest.fixture
def sandbox(tools: Toolbox, time: Time) -> Guest:
    return Guest(tools, "dev-1", time.clock)


class TestLog:
    @pytest.mark.parametrize(
        "answer",
        [
            ok({"output": "one\ntwo", "stdout": "one\n", "stderr": "two"}),
            ok({"stdout": "one\n", "stderr": "two"}),
            httpx.Response(200, text="one\ntwo"),
        ],
        ids=["output", "apart", "text"],
    )
    def test_every_form_of_it_is_lines(
        self, sandbox: Guest, guest: GuestWire, answer: httpx.Response
    ) -> None:
        guest.on(ENTRYPOINT, answer)

        assert list(sandbox.log(LogRequest())) == ["one", "two"]

    @pytest.mark.parametrize(("tail", "lines"), [(0, []), (1, ["c"]), (9, ["a", "b\u2028b", "c"])])
    def test_its_tail_is_counted_in_lines(
        self, sandbox: Guest, guest: GuestWire, tail: int, lines: list[str]
    ) -> None:
        guest.on(ENTRYPOINT, ok({"output": "a\nb\u2028b\nc\n"}))

        assert list(sandbox.log(LogRequest(tail=tail))) == lines

    def test_times_are_not_known(self, sandbox: Guest) -> None:
        with pytest.raises(UsageError) as caught:
            sandbox.log(LogRequest(since=datetime.now(UTC)))

        assert "--service" in (caught.value.hint or "")

    def test_the_key_is_not_shown(self, sandbox: Guest, guest: GuestWire) -> None:
        guest.on(ENTRYPOINT, ok({"output": f"key={KEY}\n"}))

        assert list(sandbox.log(LogRequest())) == ["key=•••"]

    def test_following_tells_whole_lines_once(self, sandbox: Guest, guest: GuestWire) -> None:
        texts = ["one\ntw", "one\ntwo\n", "one\n", "", "one\ntwo\nthree\n"]
        guest.on(ENTRYPOINT, *[ok({"output": text}) for text in texts])

        assert list(islice(sandbox.log(FOLLOW), 3)) == ["one", "two", "three"]

    def test_following_goes_on_with_another_start(self, sandbox: Guest, guest: GuestWire) -> None:
        guest.on(ENTRYPOINT, ok({"output": "one\n"}), ok({"output": "again\n"}))

        assert list(islice(sandbox.log(FOLLOW), 2)) == ["one", "again"]

    def test_following_bears_with_trouble_on_the_way(
        self, sandbox: Guest, guest: GuestWire
    ) -> None:
        guest.on(ENTRYPOINT, ok({"output": "one\n"}), lost(), refused(502), refused(429))
        guest.on(ENTRYPOINT, ok({"output": "one\ntwo\n"}))

        assert list(islice(sandbox.log(FOLLOW), 2)) == ["one", "two"]

    def test_following_ends_after_a_long_silence(
        self, sandbox: Guest, guest: GuestWire, time: Time
    ) -> None:
        guest.on(ENTRYPOINT, ok({"output": "one\n"}), *[lost()] * 60)

        with pytest.raises(Unreachable):
            list(sandbox.log(FOLLOW))

        assert sum(time.slept) == 60

    @pytest.mark.parametrize("end", [STOPPED, refused(404)], ids=["stopped", "removed"])
    def test_following_ends_with_the_machine(
        self, sandbox: Guest, guest: GuestWire, end: httpx.Response
    ) -> None:
        guest.on(ENTRYPOINT, ok({"output": "one\n"}), end)

        assert list(sandbox.log(FOLLOW)) == ["one"]

    def test_without_following_a_stopped_one_is_a_conflict(
        self, sandbox: Guest, guest: GuestWire
    ) -> None:
        guest.on(ENTRYPOINT, STOPPED)

        with pytest.raises(Conflict):
            list(sandbox.log(LogRequest()))


class TestServiceLog:
    def test_none_is_not_found(self, sandbox: Guest, guest: GuestWire) -> None:
        begun(guest).on(STATE, state(66)).on(LOGS, wrote("", "web\n")).on(END, DONE)

        with pytest.raises(NotFound, match="no log of a service db") as caught:
            list(sandbox.service_log(LogRequest(service="db")))

        assert "web" in (caught.value.hint or "")

    def test_following_it_ends_with_the_machine(self, sandbox: Guest, guest: GuestWire) -> None:
        looks(begun(guest), (None, "one\n")).on(STATE, STOPPED).on(END, STOPPED)

        assert list(sandbox.service_log(LogRequest(service="web", follow=True))) == ["one"]

    def test_who_stops_reading_ends_what_reads_it(self, sandbox: Guest, guest: GuestWire) -> None:
        looks(begun(guest), (None, "one\n")).on(END, DONE)

        lines = sandbox.service_log(LogRequest(service="web", follow=True))
        assert next(lines) == "one"
        lines.close()  # type: ignore[attr-defined]


class TestFiles:
    def test_what_is_sent_is_unpacked_and_not_left(self, sandbox: Guest, guest: GuestWire) -> None:
        guest.on(UPLOAD, DONE)
        looks(begun(guest), (0, "")).on(END, DONE).on(FORGET, DONE)

        sandbox.unpack(io.BytesIO(b"a tar"), "/tmp/x y")

        path = guest.requests[0].url.params["path"]
        assert f"-f {path} --no-same-owner -C '/tmp/x y'" in guest.requests[2].content.decode()
        assert guest.last.url.params["path"] == path

    def test_an_upload_that_is_lost_is_not_left(self, sandbox: Guest, guest: GuestWire) -> None:
        guest.on(UPLOAD, lost()).on(FORGET, DONE)

        with pytest.raises(Unreachable):
            sandbox.unpack(io.BytesIO(b"a tar"), "/tmp")

    def test_a_failed_unpack_has_the_message_of_tar(self, sandbox: Guest, guest: GuestWire) -> None:
        said = "tar: /root: Cannot open: Permission denied\ntar: Error is not recoverable\n"
        guest.on(UPLOAD, DONE)
        begun(guest).on(STATE, state(2)).on(LOGS, wrote("", said)).on(END, DONE).on(FORGET, DONE)

        with pytest.raises(OperationFailed, match="/root: Cannot open: Permission denied"):
            sandbox.unpack(io.BytesIO(b"a tar"), "/root")

    def test_what_is_not_there_is_not_found(self, sandbox: Guest, guest: GuestWire) -> None:
        said = "tar: x: Cannot stat: No such file or directory\n"
        begun(guest).on(STATE, state(2)).on(LOGS, wrote("", said)).on(END, DONE).on(FORGET, DONE)

        with pytest.raises(NotFound, match="dev-1:/tmp/x does not exist"):
            list(sandbox.packed("/tmp/x"))

    @pytest.mark.parametrize("answer", [lost(), refused(502), httpx.ReadTimeout("late")])
    def test_a_download_that_fails_leaves_no_archive_there(
        self, sandbox: Guest, guest: GuestWire, answer: Exception | httpx.Response
    ) -> None:
        guest.on(CREATE, httpx.Response(201)).on(START, STARTED)
        looks(guest, (0, "")).on(END, DONE).on(DOWNLOAD, answer).on(FORGET, DONE)

        with pytest.raises(Unreachable):
            list(sandbox.packed("/tmp/x"))
