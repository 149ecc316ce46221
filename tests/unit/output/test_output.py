"""Results, errors and questions: in a pipe, on a terminal and for a program."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from os2cli.core.errors import Conflict, OperationFailed, UsageError
from os2cli.output import Output
from os2cli.output.documents.document import Document
from os2cli.output.progress import PlainProgress
from os2cli.output.terminal_progress import TerminalProgress
from os2cli.settings.invocation import Invocation

if TYPE_CHECKING:
    from tests.unit.output.terminal import Terminal

COLUMNS = ("NAME", "STATE", "URL", "SNAPSHOT")
MARKUP = "[bold]not bold[/bold] :bug: [/] http://localhost:1 [1/2]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing(Document):
    """A document."""

    name: str


THING = Thing(name=MARKUP)


class Pipes:
    """An ``Output`` into two pipes, and what arrived in each."""

    def __init__(self, variables: dict[str, str] | None = None, **flags: Any) -> None:
        self.stdout, self.stderr = io.StringIO(), io.StringIO()
        self.output = Output(Invocation(**flags), variables or {}, self.stdout, self.stderr)

    @property
    def written(self) -> tuple[str, str]:
        return self.stdout.getvalue(), self.stderr.getvalue()


def on(terminal: Terminal, variables: dict[str, str] | None = None, **flags: Any) -> Output:
    """An ``Output`` on a terminal."""
    return Output(Invocation(**flags), variables or {}, terminal.screen, terminal.screen)


def never() -> NoReturn:
    raise AssertionError("this form was not requested")


class TestResult:
    def test_a_person_gets_text(self) -> None:
        pipes = Pipes()

        pipes.output.result(THING, lambda: pipes.output.line("a is fine"), names=["a"])

        assert pipes.written == ("a is fine\n", "")

    def test_quiet_prints_only_names_one_per_line(self) -> None:
        pipes = Pipes(quiet=True)

        pipes.output.result(THING, never, names=["a", "b"])

        assert pipes.written == ("a\nb\n", "")

    @pytest.mark.parametrize("quiet", [False, True])
    def test_json_is_one_document_also_with_quiet(self, quiet: bool) -> None:
        pipes = Pipes(json=True, quiet=quiet)

        pipes.output.result(THING, never, names=["a"])

        assert json.loads(pipes.stdout.getvalue()) == {"schema_version": 1, "name": MARKUP}
        assert pipes.stderr.getvalue() == ""

    def test_it_goes_to_the_streams_of_the_process(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        output = Output(Invocation(), {})

        output.line("result")
        output.note("note")

        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("result\n", "note\n")


class TestNote:
    def test_it_is_written_beside_the_result(self) -> None:
        pipes = Pipes()

        pipes.output.note(MARKUP)

        assert pipes.written == ("", f"{MARKUP}\n")

    @pytest.mark.parametrize(
        "pipes", [Pipes(quiet=True), Pipes(json=True)], ids=["--quiet", "--json"]
    )
    def test_a_program_does_not_get_it(self, pipes: Pipes) -> None:
        pipes.output.note("note")

        assert pipes.written == ("", "")


class TestWarn:
    @pytest.mark.parametrize("quiet", [False, True])
    def test_it_is_written_to_stderr_also_with_quiet(self, quiet: bool) -> None:
        pipes = Pipes(quiet=quiet)

        pipes.output.warn(f"careful {MARKUP}", hint=f"try {MARKUP}")

        assert pipes.written == ("", f"warning: careful {MARKUP}\nhint: try {MARKUP}\n")

    def test_without_a_hint_there_is_no_line_for_one(self) -> None:
        pipes = Pipes()

        pipes.output.warn("careful")

        assert pipes.written == ("", "warning: careful\n")

    def test_a_program_finds_it_in_the_document(self) -> None:
        pipes = Pipes(json=True)

        pipes.output.warn("careful", hint="try it")

        assert pipes.written == ("", "")

    def test_on_a_terminal_its_label_is_yellow_and_no_line_is_broken(
        self, terminal: Terminal
    ) -> None:
        on(terminal).warn("x" * 100, hint="y" * 100)

        raw = terminal.raw()
        assert raw.startswith("\x1b[1;33mwarning:\x1b[0m ")
        assert "\x1b[1;36mhint:\x1b[0m " in raw
        assert terminal.text() == f"warning: {'x' * 100}\nhint: {'y' * 100}\n"


class TestParts:
    PARTS = (("ok", "green"), f" {MARKUP} ", ("x" * 100, "dim"))
    LINE = f"ok {MARKUP} {'x' * 100}\n"

    def test_in_a_pipe_they_are_one_plain_line(self) -> None:
        pipes = Pipes()

        pipes.output.parts(*self.PARTS)

        assert pipes.written == (self.LINE, "")

    def test_on_a_terminal_they_are_styled_and_still_one_line(self, terminal: Terminal) -> None:
        on(terminal).parts(*self.PARTS)

        raw = terminal.raw()
        assert "\x1b[32mok\x1b[0m" in raw
        assert terminal.text() == self.LINE


class TestHanging:
    LEAD = (("warning", "yellow"), "  image  ")
    TEXT = "built a while ago from a tree that has moved on since, so it is stale by now, http://x"

    def test_in_a_pipe_it_is_one_line(self) -> None:
        pipes = Pipes()

        pipes.output.hanging(self.LEAD, self.TEXT)

        assert pipes.written == (f"warning  image  {self.TEXT}\n", "")

    def test_on_a_terminal_further_lines_begin_below_the_text(self, terminal: Terminal) -> None:
        on(terminal).hanging(self.LEAD, self.TEXT, "dim")

        assert terminal.text() == (
            "warning  image  built a while ago from a tree that has moved on since, so it is\n"
            "                stale by now, http://x\n"
        )


class TestTable:
    ROWS = (
        ("n" * 63, "running, not healthy", "http://localhost:10123", "iterate-sandbox:local"),
        ("b", "stopped", "-", MARKUP),
    )

    def test_in_a_pipe_it_is_plain_aligned_and_whole(self) -> None:
        pipes = Pipes()

        pipes.output.table(COLUMNS, [("a", "running", "http://x", "s:1"), ("bcd", "-", "-", "s")])

        assert pipes.stdout.getvalue() == (
            "NAME  STATE    URL       SNAPSHOT\n"
            "a     running  http://x  s:1\n"
            "bcd   -        -         s\n"
        )

    @pytest.mark.parametrize(
        ("variables", "heading"),
        [
            ({"FORCE_COLOR": "1"}, "\x1b[1mNAME\x1b[0m"),
            ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "NAME"),
            ({"NO_COLOR": "1"}, "NAME"),
        ],
        ids=["FORCE_COLOR", "NO_COLOR wins", "NO_COLOR"],
    )
    def test_in_a_pipe_styles_must_be_forced(
        self, variables: dict[str, str], heading: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TERM", "xterm-256color")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        pipes = Pipes(variables)

        pipes.output.table(("NAME",), [("a",)])

        assert pipes.stdout.getvalue() == f"{heading}\na\n"

    def test_on_a_terminal_of_80_columns_nothing_is_shortened_broken_or_styled(
        self, terminal: Terminal
    ) -> None:
        on(terminal).table(COLUMNS, self.ROWS)

        lines = terminal.text().splitlines()
        assert [line.split() for line in lines] == [
            list(COLUMNS),
            " ".join(self.ROWS[0]).split(),
            " ".join(self.ROWS[1]).split(),
        ]

    def test_a_narrow_terminal_does_without_the_dispensable_columns(
        self, terminal: Terminal
    ) -> None:
        row = ("n" * 30, "running, not healthy", "http://localhost:10123", "iterate-sandbox:local")

        on(terminal).table(COLUMNS, [row], dispensable=("SNAPSHOT", "STATE"))

        assert [line.split("  ") for line in terminal.text().splitlines()[1:]] == [list(row[:3])]

    def test_a_pipe_has_every_column(self) -> None:
        pipes = Pipes()

        pipes.output.table(("A", "B"), [("x" * 300, "y")], dispensable=("B",))

        assert pipes.stdout.getvalue().splitlines()[1].endswith("x  y")

    def test_on_a_terminal_only_the_heading_is_bold(self, terminal: Terminal) -> None:
        on(terminal).table(("NAME",), [("a",)])

        assert terminal.raw() == "\x1b[1mNAME\x1b[0m\na\n"

    def test_without_rows_the_heading_stands_alone(self) -> None:
        pipes = Pipes()

        pipes.output.table(("NAME", "URL"), [])

        assert pipes.written == ("NAME  URL\n", "")


class TestError:
    ERROR = OperationFailed(
        f"machine {MARKUP} failed",
        hint=f"try {MARKUP} {'y' * 100}",
        code="some_code",
        details={"port": 1},
        log_tail=(f"first {MARKUP}", "x" * 200),
    )
    LINES = (
        f"  | first {MARKUP}",
        f"  | {'x' * 200}",
        f"error: machine {MARKUP} failed",
        f"hint: try {MARKUP} {'y' * 100}",
    )

    def test_in_a_pipe_it_is_the_logs_end_the_failure_and_what_to_do(self) -> None:
        pipes = Pipes()

        pipes.output.error(self.ERROR)

        assert pipes.written == ("", "\n".join(self.LINES) + "\n")

    def test_on_a_terminal_it_says_the_same_letter_by_letter(self, terminal: Terminal) -> None:
        on(terminal).error(self.ERROR)

        assert terminal.text() == "\n".join(self.LINES) + "\n"

    def test_control_sequences_of_a_log_are_dropped(self) -> None:
        pipes = Pipes()
        log = ("\x1b[31mred\x1b[0m", "\x1b]0;title\x07text", "a\x08b", "\x1b[2J\x1b[Hcleared")

        pipes.output.error(OperationFailed("failed", log_tail=log))

        written = pipes.written[1]
        assert not any(code in written for code in "\x1b\x07\x08")
        assert all(word in written for word in ("| red\n", "text\n", "| ab\n", "| cleared\n"))

    def test_on_a_terminal_its_label_is_red(self, terminal: Terminal) -> None:
        on(terminal).error(Conflict("taken"))

        assert terminal.raw() == "\x1b[1;31merror:\x1b[0m taken\n"

    def test_without_a_hint_there_is_no_line_for_one(self) -> None:
        pipes = Pipes()

        pipes.output.error(Conflict("taken"))

        assert pipes.written == ("", "error: taken\n")

    def test_json_is_one_document_and_a_person_reads_it_on_stderr(self) -> None:
        pipes = Pipes(json=True)

        pipes.output.error(self.ERROR)

        assert json.loads(pipes.stdout.getvalue()) == {
            "schema_version": 1,
            "error": {
                "code": "some_code",
                "message": self.ERROR.message,
                "hint": self.ERROR.hint,
                "details": {"port": 1},
            },
        }
        assert pipes.stderr.getvalue() == "\n".join(self.LINES) + "\n"

    def test_details_of_any_kind_can_be_written(self) -> None:
        pipes = Pipes(json=True)

        pipes.output.error(Conflict("x", details={"file": io.BytesIO, "none": None}))

        details = json.loads(pipes.stdout.getvalue())["error"]["details"]
        assert details == {"file": str(io.BytesIO), "none": None}

    def test_quiet_does_not_hide_it(self) -> None:
        pipes = Pipes(quiet=True)

        pipes.output.error(Conflict("taken"))

        assert pipes.written == ("", "error: taken\n")


class TestColour:
    RED = "\x1b[1;31m"

    @pytest.mark.parametrize(
        ("variables", "coloured"),
        [
            ({}, True),
            ({"NO_COLOR": "1"}, False),
            ({"TERM": "dumb"}, False),
            ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
            ({"FORCE_COLOR": "1"}, True),
        ],
        ids=["by itself", "NO_COLOR", "dumb", "NO_COLOR wins", "FORCE_COLOR"],
    )
    def test_on_a_terminal(
        self,
        variables: dict[str, str],
        coloured: bool,
        terminal: Terminal,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

        on(terminal, variables).error(Conflict("taken"))

        written = terminal.raw()
        assert ("31m" in written) is coloured
        assert written.endswith(" taken\n")

    @pytest.mark.parametrize(
        ("variables", "coloured"),
        [
            ({}, False),
            ({"FORCE_COLOR": "1"}, True),
            ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ],
        ids=["by itself", "FORCE_COLOR", "NO_COLOR wins"],
    )
    def test_in_a_pipe(
        self, variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TERM", "xterm-256color")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        pipes = Pipes(variables)

        pipes.output.error(Conflict("taken"))

        assert ("\x1b" in pipes.stderr.getvalue()) is coloured


class TestConfirm:
    INSTEAD = "os2 machine rm --all --yes"

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            ("y", True),
            ("Y", True),
            ("yes", True),
            (" YES ", True),
            ("n", False),
            ("", False),
            ("yeah", False),
        ],
    )
    def test_only_yes_confirms(
        self, answer: str, expected: bool, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", terminal.keyboard)
        terminal.type(f"{answer}\n")

        answered = on(terminal).confirm("Remove 2 machines?", instead=self.INSTEAD)

        assert answered is expected
        assert "Remove 2 machines? [y/N] " in terminal.text()

    def test_the_question_is_not_part_of_the_result(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", terminal.keyboard)
        terminal.type("y\n")
        stdout = io.StringIO()

        Output(Invocation(), {}, stdout, terminal.screen).confirm("Sure?", instead=self.INSTEAD)

        assert stdout.getvalue() == ""

    @pytest.mark.parametrize(
        ("variables", "flags"),
        [({"CI": "1"}, {}), ({"OS2_NO_INPUT": "1"}, {}), ({}, {"no_input": True})],
        ids=["CI", "OS2_NO_INPUT", "--no-input"],
    )
    def test_without_prompts_the_hint_is_the_command_to_run(
        self,
        variables: dict[str, str],
        flags: dict[str, bool],
        terminal: Terminal,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(sys, "stdin", terminal.keyboard)
        terminal.type("y\n")
        output = on(terminal, variables, **flags)

        with pytest.raises(UsageError) as caught:
            output.confirm("Remove 2 machines?", instead=self.INSTEAD)

        error = caught.value
        assert (error.exit_code, error.code) == (2, "confirmation_needed")
        assert error.hint == self.INSTEAD
        assert "Remove 2 machines?" in error.message
        assert "[y/N]" not in terminal.text()

    @pytest.mark.parametrize("missing", ["stdin", "closed stdin", "stderr"])
    def test_a_prompt_needs_a_terminal_at_both_ends(
        self, missing: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stdin = {"stdin": io.StringIO("y\n"), "closed stdin": None}.get(missing, terminal.keyboard)
        monkeypatch.setattr(sys, "stdin", stdin)
        terminal.type("y\n")
        stderr = io.StringIO() if missing == "stderr" else terminal.screen
        output = Output(Invocation(), {}, terminal.screen, stderr)

        with pytest.raises(UsageError) as caught:
            output.confirm("Sure?", instead=self.INSTEAD)

        assert caught.value.hint == self.INSTEAD

    def test_with_terminals_a_prompt_is_possible(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", terminal.keyboard)

        assert on(terminal).interactive


class TestConfirmByTyping:
    INSTEAD = "os2 machine rm --all --stage prd --yes"

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            ("prd", True),
            (" prd ", True),
            ("PRD", False),
            ("prd2", False),
            ("pr", False),
            ("y", False),
            ("yes", False),
            ("", False),
        ],
    )
    def test_only_the_word_confirms(
        self, answer: str, expected: bool, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", terminal.keyboard)
        terminal.type(f"{answer}\n")

        answered = on(terminal).confirm_by_typing("prd", "Remove both?", instead=self.INSTEAD)

        assert answered is expected
        assert "Remove both? Type prd to confirm: " in terminal.text()

    def test_the_question_is_not_part_of_the_result(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", terminal.keyboard)
        terminal.type("prd\n")
        output = Output(Invocation(), {}, stdout := io.StringIO(), terminal.screen)

        assert output.confirm_by_typing("prd", "Sure?", instead=self.INSTEAD)
        assert stdout.getvalue() == ""

    @pytest.mark.parametrize(
        ("variables", "flags"),
        [({"CI": "1"}, {}), ({"OS2_NO_INPUT": "1"}, {}), ({}, {"no_input": True})],
        ids=["CI", "OS2_NO_INPUT", "--no-input"],
    )
    def test_without_prompts_the_hint_is_the_command_to_run(
        self,
        variables: dict[str, str],
        flags: dict[str, bool],
        terminal: Terminal,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(sys, "stdin", terminal.keyboard)
        terminal.type("prd\n")
        output = on(terminal, variables, **flags)

        with pytest.raises(UsageError) as caught:
            output.confirm_by_typing("prd", "Remove both?", instead=self.INSTEAD)

        assert (caught.value.code, caught.value.hint) == ("confirmation_needed", self.INSTEAD)
        assert "Remove both?" in caught.value.message
        assert "Type prd" not in terminal.text()

    def test_input_from_a_pipe_does_not_confirm(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("prd\n"))

        with pytest.raises(UsageError):
            on(terminal).confirm_by_typing("prd", "Remove both?", instead=self.INSTEAD)

    def test_end_of_input_does_not_confirm(
        self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", terminal.keyboard)
        terminal.type("\x04")

        assert not on(terminal).confirm_by_typing("prd", "Remove both?", instead=self.INSTEAD)


class TestProgress:
    def test_on_a_terminal_it_is_live(self, terminal: Terminal) -> None:
        assert isinstance(on(terminal).progress(), TerminalProgress)

    @pytest.mark.parametrize(
        ("variables", "flags"),
        [({"TERM": "dumb"}, {}), ({"CI": "1"}, {}), ({}, {"quiet": True})],
        ids=["dumb", "CI", "--quiet"],
    )
    def test_it_is_plain_where_nothing_may_move(
        self, variables: dict[str, str], flags: dict[str, bool], terminal: Terminal
    ) -> None:
        assert isinstance(on(terminal, variables, **flags).progress(), PlainProgress)

    def test_in_a_pipe_it_is_plain_and_beside_the_result(self) -> None:
        pipes = Pipes({"FORCE_COLOR": "1"})

        with pipes.output.progress().phase("build"):
            pass

        result, told = pipes.written
        assert result == ""
        assert re.fullmatch(r"Building snapshot \.\.\.\nBuilding snapshot: done in 0\.\d s\n", told)

    @pytest.mark.parametrize("where", ["pipe", "terminal"])
    def test_quiet_leaves_only_warnings(self, where: str, terminal: Terminal) -> None:
        pipes = Pipes(quiet=True)
        progress = (on(terminal, quiet=True) if where == "terminal" else pipes.output).progress()

        with progress.phase("build"):
            progress.status("[1/2] FROM x")
            progress.log("log")
            progress.notice("notice")
            progress.warn("careful")

        shown = terminal.text() if where == "terminal" else pipes.stderr.getvalue()
        assert shown == "warning: careful\n"
