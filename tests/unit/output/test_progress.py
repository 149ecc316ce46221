"""Progress: lines in a pipe, one live line on a terminal."""

from __future__ import annotations

import io
import re
import threading
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from os2cli.core.progress import SILENT
from os2cli.output.progress import PlainProgress, RecordingProgress
from os2cli.output.terminal_progress import TerminalProgress

if TYPE_CHECKING:
    from tests.unit.output.terminal import Terminal

DEADLINE_SECONDS = 10
MARKUP = "[bold]x[/bold] :bug: [/]"


class StepError(Exception):
    """What a phase fails with here."""


class OneAtATime(io.StringIO):
    """A pipe that notices when two threads write to it at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.writing = threading.Lock()
        self.mixed = False

    def write(self, text: str) -> int:
        if not self.writing.acquire(blocking=False):
            self.mixed = True
            return 0
        try:
            # Let the others have their turn.
            threading.Event().wait(0.001)
            return super().write(text)
        finally:
            self.writing.release()


class Stream(io.StringIO):
    """A pipe in which a text can be waited for."""

    def __init__(self, awaited: str = "") -> None:
        super().__init__()
        self.awaited = awaited
        self.seen = threading.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        if self.awaited and self.awaited in self.getvalue():
            self.seen.set()
        return count


def plain(stream: io.StringIO, *, verbose: bool = False, quiet: bool = False) -> PlainProgress:
    return PlainProgress(stream, verbose=verbose, quiet=quiet)


def live(terminal: Terminal, *, verbose: bool = False) -> TerminalProgress:
    console = Console(file=terminal.screen, force_terminal=True, highlight=False, emoji=False)
    return TerminalProgress(console, verbose=verbose)


def frames(raw: str) -> list[str]:
    """What stood on each line, one after the other, without escapes."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", raw)
    return [frame for frame in re.split(r"[\r\n]+", text) if frame.strip()]


def our_threads() -> list[str]:
    """The threads of a progress that still run; Rich's own end a moment later."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if "_beat" in name or "_tick" in name]


class TestPlain:
    def test_a_phase_is_reported_when_it_starts_and_ends(self) -> None:
        stream = Stream()

        with plain(stream).phase("build image"):
            assert stream.getvalue() == "Building image ...\n"

        assert re.fullmatch(
            r"Building image \.\.\.\nBuilding image: done in \d\.\d s\n", stream.getvalue()
        )

    def test_a_failed_phase_is_not_reported_as_done(self) -> None:
        stream = Stream()
        progress = plain(stream)

        with pytest.raises(StepError), progress.phase("build image"):
            raise StepError

        assert stream.getvalue() == "Building image ...\n"
        assert progress.phases == []

    def test_a_build_step_is_one_line(self) -> None:
        stream = Stream()
        progress = plain(stream)

        with progress.phase("build"):
            for text in ("[1/2] FROM x", "[1/2] FROM x", "Downloading 1 MB", "[2/2] RUN y"):
                progress.status(text)

        assert stream.getvalue().splitlines()[1:-1] == ["  [1/2] FROM x", "  [2/2] RUN y"]

    def test_notices_and_warnings_are_lines(self) -> None:
        stream = Stream()

        plain(stream).notice(MARKUP)
        plain(stream).warn(MARKUP)

        assert stream.getvalue() == f"{MARKUP}\nwarning: {MARKUP}\n"

    @pytest.mark.parametrize(("verbose", "shown"), [(False, ""), (True, f"  | {MARKUP}\n")])
    def test_the_log_is_shown_with_verbose(self, verbose: bool, shown: str) -> None:
        stream = Stream()

        plain(stream, verbose=verbose).log(MARKUP)

        assert stream.getvalue() == shown

    def test_a_long_phase_is_reported_again_with_its_status(self) -> None:
        stream = Stream(awaited="Building snapshot: still running after 0 s, Downloading 1 MB\n")
        progress = PlainProgress(stream, verbose=False, quiet=False, heartbeat_seconds=0.005)

        with progress.phase("build"):
            progress.status("Downloading 1 MB")
            assert stream.seen.wait(DEADLINE_SECONDS)

    def test_the_heartbeat_shows_the_sizes_of_a_transfer(self) -> None:
        stream = Stream(awaited="upload: still running after 0 s, uploading 2 MB of 1.04 GB\n")
        progress = PlainProgress(stream, verbose=False, quiet=False, heartbeat_seconds=0.005)

        with progress.phase("upload"):
            progress.transfer("uploading", 1_500_000, 1_040_000_000)
            assert stream.seen.wait(DEADLINE_SECONDS)

    def test_the_steps_of_a_transfer_are_not_lines(self) -> None:
        stream = Stream()
        progress = plain(stream)

        with progress.phase("upload"):
            for done in range(0, 1_000_000, 1000):
                progress.transfer("uploading", done, 1_000_000)

        assert len(stream.getvalue().splitlines()) == 2

    def test_the_next_phase_starts_without_a_status(self) -> None:
        stream = Stream(awaited="Creating: still running after 0 s\n")
        progress = PlainProgress(stream, verbose=False, quiet=False, heartbeat_seconds=0.005)
        with progress.phase("build"):
            progress.status("Downloading 1 MB")

        with progress.phase("create"):
            assert stream.seen.wait(DEADLINE_SECONDS)

    @pytest.mark.parametrize("fails", [False, True])
    def test_a_finished_phase_has_no_heartbeat(self, fails: bool) -> None:
        try:
            with plain(Stream()).phase("build"):
                if fails:
                    raise StepError
        except StepError:
            pass

        assert our_threads() == []

    def test_a_heartbeat_comes_every_half_minute(self) -> None:
        assert plain(Stream()).heartbeat_seconds == 30

    def test_lines_of_several_threads_are_not_mixed(self) -> None:
        stream = OneAtATime()
        progress = plain(stream)
        start = threading.Barrier(4)

        def say(letter: str) -> None:
            start.wait(DEADLINE_SECONDS)
            for _ in range(5):
                progress.notice(letter * 40)

        threads = [threading.Thread(target=say, args=(letter,)) for letter in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert not stream.mixed
        assert sorted(stream.getvalue().splitlines()) == [c * 40 for c in "abcd" for _ in range(5)]


class TestTerminal:
    def test_a_phase_is_live_and_leaves_one_line_behind(self, terminal: Terminal) -> None:
        progress = live(terminal)

        with progress.phase("build image"):
            pass

        shown = frames(terminal.raw())
        assert any("Building image  0 s" in frame for frame in shown[:-1])
        assert re.fullmatch(r"✓ Building image  0\.\d s", shown[-1])

    def test_a_phase_that_fails_leaves_none(self, terminal: Terminal) -> None:
        progress = live(terminal)

        with pytest.raises(StepError), progress.phase("build"):
            raise StepError

        assert "✓" not in terminal.text()
        assert progress.phases == []

    @pytest.mark.parametrize("fails", [False, True])
    def test_the_cursor_is_shown_again_and_nothing_goes_on(
        self, fails: bool, terminal: Terminal
    ) -> None:
        try:
            with live(terminal).phase("build"):
                if fails:
                    raise StepError
        except StepError:
            pass

        assert our_threads() == []
        raw = terminal.raw()
        assert raw.rfind("\x1b[?25h") > raw.rfind("\x1b[?25l") > -1

    def test_the_live_line_shows_the_status(self, terminal: Terminal) -> None:
        progress = live(terminal)

        with progress.phase("upload"):
            progress.status(MARKUP, 3, 7)
            progress._refresh()

        assert f"upload  0 s  {MARKUP} 3/7" in terminal.text()

    def test_the_live_line_shows_the_sizes_of_a_transfer(self, terminal: Terminal) -> None:
        progress = live(terminal)

        with progress.phase("upload"):
            progress.transfer(MARKUP, 999, 1_040_000_000)
            progress._refresh()

        assert f"upload  0 s  {MARKUP} 999 B of 1.04 GB" in terminal.text()

    def test_the_live_line_never_wraps(self, terminal: Terminal) -> None:
        progress = live(terminal)

        with progress.phase("build"):
            progress.status("[1/2] RUN " + "x" * 300)
            progress._refresh()

        shown = frames(terminal.raw())
        assert max(len(frame) for frame in shown) <= 80
        assert any(frame.rstrip().endswith("…") for frame in shown)

    @pytest.mark.parametrize("columns", [20, 40, 80])
    def test_the_live_line_does_not_wrap_on_a_narrow_terminal(
        self, columns: int, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        progress = live(terminal)

        with progress.phase("upload the build context"):
            progress.transfer("uploading", 400_000_000, 1_040_000_000)
            progress._refresh()

        # The line that it leaves behind may be longer: nothing is drawn over it.
        assert max(len(frame) for frame in frames(terminal.raw()) if "✓" not in frame) <= columns

    def test_control_sequences_of_a_log_are_dropped(self, terminal: Terminal) -> None:
        progress = live(terminal, verbose=True)

        with progress.phase("build"):
            progress.log("\x1b[2Jcleared\x08")
            progress.log("old\rnew")
            progress.status("[1/2]\x1b[2K RUN\x07 x")
            progress._refresh()

        shown = [frame.rstrip() for frame in frames(terminal.raw())]
        assert "  | cleared" in shown
        assert "  | new" in shown
        assert any("[1/2] RUN x" in frame for frame in shown)
        assert not any(code in terminal.raw() for code in ("\x1b[2J", "\x07", "\x08"))

    def test_other_lines_stand_whole_above_the_live_line(self, terminal: Terminal) -> None:
        progress = live(terminal, verbose=True)

        with progress.phase("build"):
            progress.notice(MARKUP)
            progress.warn(MARKUP)
            progress.log(MARKUP)

        shown = [frame.rstrip() for frame in frames(terminal.raw())]
        assert [s for s in shown if MARKUP in s] == [MARKUP, f"warning: {MARKUP}", f"  | {MARKUP}"]

    def test_the_log_stays_hidden_otherwise(self, terminal: Terminal) -> None:
        progress = live(terminal)

        with progress.phase("build"):
            progress.log("hidden")

        assert "hidden" not in terminal.text()


class TestRecording:
    def test_the_summary_says_where_the_time_went(self) -> None:
        progress = plain(Stream())
        progress.phases = [("build", 34.12), ("create", 0.44), ("look", 0.04), ("healthy", 0.8)]

        assert progress.summary() == "build 34.1 s · create 0.4 s · healthy 0.8 s"

    def test_a_summary_is_never_empty(self) -> None:
        progress = plain(Stream())
        progress.phases = [("create", 0.01), ("healthy", 0.02)]

        assert progress.summary() == "create 0.0 s · healthy 0.0 s"

    def test_each_phase_is_timed(self) -> None:
        progress = plain(Stream(), quiet=True)

        for title in ("build", "create"):
            with progress.phase(title):
                pass

        assert [title for title, _ in progress.phases] == ["build", "create"]
        assert all(0 <= seconds < DEADLINE_SECONDS for _, seconds in progress.phases)

    def test_a_subclass_must_say_how_it_writes(self) -> None:
        with pytest.raises(NotImplementedError):
            RecordingProgress(verbose=True).log("x")


def test_the_default_listener_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with SILENT.phase("build"):
        SILENT.status("x", 1, 2)
        SILENT.transfer("x", 1, 2)
        SILENT.log("x")
        SILENT.notice("x")
        SILENT.warn("x")

    assert capfd.readouterr() == ("", "")
