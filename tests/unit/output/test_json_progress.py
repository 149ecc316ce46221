"""Progress as JSON, and what else stderr holds then."""

from __future__ import annotations

import io
import json
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.output import Output
from os2cli.output.documents.progress import ProgressEvent
from os2cli.output.json_progress import JsonProgress
from os2cli.output.progress import PlainProgress, SilentProgress
from os2cli.settings.invocation import Invocation, ProgressMode, parse_progress

if TYPE_CHECKING:
    from tests.unit.output.terminal import Terminal

DEADLINE_SECONDS = 10


class StepError(Exception):
    """What a phase fails with here."""


class Stream(io.StringIO):
    """A pipe in which an event can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.beat = threading.Event()

    def write(self, text: str) -> int:
        if '"heartbeat"' in text:
            self.beat.set()
        return super().write(text)


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines without their times; each is as it is promised."""
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    for event in told:
        TypeAdapter(ProgressEvent).validate_python(event)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("time"))
    return told


@pytest.fixture
def stream() -> Stream:
    return Stream()


class TestJson:
    def test_a_phase_is_reported_when_it_starts_and_ends(self, stream: Stream) -> None:
        progress = JsonProgress(stream)

        with progress.phase("build image"):
            pass

        first, last = events(stream)
        assert first == {"event": "phase_started", "phase": "build image"}
        assert last.pop("seconds") < DEADLINE_SECONDS
        assert last == {"event": "phase_finished", "phase": "build image", "ok": True}
        assert [title for title, _ in progress.phases] == ["build image"]

    def test_a_failed_phase_is_reported_as_failed(self, stream: Stream) -> None:
        with pytest.raises(StepError), JsonProgress(stream).phase("build"):
            raise StepError

        assert events(stream)[-1]["ok"] is False

    def test_what_happens_meanwhile_names_its_phase(self, stream: Stream) -> None:
        progress = JsonProgress(stream)

        with progress.phase("build"):
            progress.status("[1/2] FROM x", 1, 2)
            progress.log("\x1b[31mred\x1b[0m größe")
            progress.notice("by the way")
            progress.warn("careful")
        progress.notice("after it")

        told = events(stream)
        assert told[1:5] == [
            {"event": "status", "phase": "build", "message": "[1/2] FROM x", "done": 1, "total": 2},
            {"event": "log", "phase": "build", "message": "\x1b[31mred\x1b[0m größe"},
            {"event": "notice", "phase": "build", "message": "by the way"},
            {"event": "warning", "phase": "build", "message": "careful"},
        ]
        assert told[-1] == {"event": "notice", "message": "after it"}

    def test_the_phase_around_another_goes_on_behind_it(self, stream: Stream) -> None:
        progress = JsonProgress(stream)

        with progress.phase("outer"):
            with progress.phase("inner"):
                pass
            progress.status("x")

        assert events(stream)[-2]["phase"] == "outer"

    def test_the_same_status_is_reported_once(self, stream: Stream) -> None:
        progress = JsonProgress(stream)

        for done in (1, 1, 2):
            progress.status("pulling", done, 2)

        assert [event["done"] for event in events(stream)] == [1, 2]

    def test_a_transfer_is_reported_at_intervals_and_at_its_end(self, stream: Stream) -> None:
        progress = JsonProgress(stream)

        with progress.phase("upload"):
            for done in range(1, 10_001):
                progress.transfer("uploading", done, 10_000)

        told = [event for event in events(stream) if event["event"] == "transfer"]
        assert told[-1]["done"] == told[-1]["total"] == 10_000
        assert len(told) < 100

    def test_a_long_phase_is_reported_again(self, stream: Stream) -> None:
        with JsonProgress(stream, heartbeat_seconds=0.005).phase("build"):
            assert stream.beat.wait(DEADLINE_SECONDS)

        beat = events(stream)[1]
        assert (beat["event"], beat["phase"]) == ("heartbeat", "build")
        assert beat["seconds"] > 0

    def test_lines_of_several_threads_are_not_mixed(self, stream: Stream) -> None:
        progress = JsonProgress(stream)
        start = threading.Barrier(4)

        def say(letter: str) -> None:
            start.wait(DEADLINE_SECONDS)
            for _ in range(50):
                progress.log(letter * 40)

        threads = [threading.Thread(target=say, args=(letter,)) for letter in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(event["message"] for event in events(stream)) == sorted(
            letter * 40 for letter in "abcd" for _ in range(50)
        )


class TestSilent:
    def test_it_times_the_phases_and_says_nothing(self, capfd: pytest.CaptureFixture[str]) -> None:
        progress = SilentProgress()

        with progress.phase("build"):
            progress.status("x", 1, 2)
            progress.transfer("x", 1, 2)
            progress.log("x")
            progress.notice("x")
            progress.warn("x")

        assert re.fullmatch(r"build 0\.\d s", progress.summary())
        assert capfd.readouterr() == ("", "")


class TestMode:
    @pytest.mark.parametrize(
        ("flag", "variable", "mode"),
        [
            (None, None, ProgressMode.AUTO),
            (None, "json", ProgressMode.JSON),
            (None, " JSON ", ProgressMode.JSON),
            (ProgressMode.PLAIN, "json", ProgressMode.PLAIN),
            (ProgressMode.AUTO, "none", ProgressMode.AUTO),
            (None, "loud", ProgressMode.AUTO),
        ],
    )
    def test_the_option_takes_precedence_over_the_variable(
        self, flag: ProgressMode | None, variable: str | None, mode: ProgressMode
    ) -> None:
        variables = {"OS2_PROGRESS": variable} if variable else {}

        assert Output(Invocation(progress=flag), variables).mode is mode

    @pytest.mark.parametrize(
        ("origin", "code"),
        [("--progress", "option_invalid"), ("OS2_PROGRESS", "setting_invalid")],
    )
    def test_an_unknown_mode_is_rejected(self, origin: str, code: str) -> None:
        with pytest.raises(UsageError, match=f"{origin}: unknown progress mode 'loud'") as caught:
            parse_progress("loud", origin)

        assert (caught.value.code, caught.value.exit_code) == (code, 2)
        assert caught.value.hint == "choose one of auto, plain, json, none"

    @pytest.mark.parametrize(
        ("mode", "kind"),
        [
            (ProgressMode.PLAIN, PlainProgress),
            (ProgressMode.JSON, JsonProgress),
            (ProgressMode.NONE, SilentProgress),
        ],
    )
    def test_on_a_terminal_too(
        self, mode: ProgressMode, kind: type, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin", terminal.keyboard)
        output = Output(Invocation(progress=mode), {}, terminal.screen, terminal.screen)

        assert type(output.progress()) is kind
        assert output.interactive is (mode is ProgressMode.PLAIN)


def output_in(mode: ProgressMode, **flags: bool) -> tuple[Output, io.StringIO]:
    stderr = io.StringIO()
    return Output(Invocation(progress=mode, **flags), {}, io.StringIO(), stderr), stderr


class TestStderr:
    @pytest.mark.parametrize("flags", [{}, {"quiet": True}, {"json": True}], ids=str)
    def test_with_json_it_holds_nothing_but_events(self, flags: dict[str, bool]) -> None:
        output, stderr = output_in(ProgressMode.JSON, **flags)

        output.note("a note")
        output.warn("careful", hint="try it")
        output.stopped("SIGINT")
        output.error(OperationFailed("it broke", hint="mend it", log_tail=("the end",)))

        assert events(stderr) == [
            {"event": "note", "message": "a note"},
            {"event": "warning", "message": "careful", "hint": "try it"},
            {"event": "stopped", "message": "stopped by SIGINT"},
            {
                "event": "error",
                "exit_code": 1,
                "code": "failed",
                "message": "it broke",
                "hint": "mend it",
                "details": {},
                "log_tail": ["the end"],
            },
        ]

    def test_with_none_it_holds_nothing_but_errors(self) -> None:
        output, stderr = output_in(ProgressMode.NONE)

        output.note("a note")
        output.warn("careful", hint="try it")
        output.error(OperationFailed("it broke", hint="mend it"))

        assert stderr.getvalue() == "error: it broke\nhint: mend it\n"
