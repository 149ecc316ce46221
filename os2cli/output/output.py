"""Results, errors and questions, for people, pipes and programs."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from os2cli.core.errors import Os2Error, UsageError
from os2cli.core.plain_text import plain_line
from os2cli.output.documents.document import Document
from os2cli.output.documents.errors import ErrorDocument
from os2cli.output.json_progress import JsonProgress, write_error, write_event
from os2cli.output.lines import ResultLines
from os2cli.output.progress import PlainProgress, RecordingProgress, SilentProgress
from os2cli.output.table import table_lines
from os2cli.settings.invocation import Invocation, ProgressMode, parse_progress
from os2cli.settings.settings import terminal_variables

if TYPE_CHECKING:
    from rich.console import Console

    from os2cli.output.styled import StyledStream

_NARROWEST_TEXT = 20


class Output(ResultLines):
    """The output of a command.

    ``variables`` are the recognised environment variables (``CI``, ``NO_COLOR``, ``TERM`` …); by
    default those that can be read when the settings cannot.
    """

    def __init__(
        self,
        invocation: Invocation,
        variables: Mapping[str, str] | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.invocation = invocation
        self.variables = terminal_variables() if variables is None else variables
        super().__init__(stdout or sys.stdout)
        self.stderr = stderr or sys.stderr
        self._progress: RecordingProgress | None = None

    @property
    def mode(self) -> ProgressMode:
        """The form of progress: ``--progress``, else ``OS2_PROGRESS``."""
        if self.invocation.progress is not None:
            return self.invocation.progress
        # The settings reject an invalid value; that error also needs a mode to be reported in.
        with suppress(UsageError):
            return parse_progress(self.variables.get("OS2_PROGRESS", "auto"), "OS2_PROGRESS")
        return ProgressMode.AUTO

    @property
    def interactive(self) -> bool:
        """Whether a question may be asked."""
        disabled = self.invocation.no_input or any(
            self.variables.get(name) for name in ("CI", "OS2_NO_INPUT")
        )
        if self.mode in (ProgressMode.JSON, ProgressMode.NONE):
            return False
        if disabled or sys.stdin is None:
            return False
        return sys.stdin.isatty() and self.stderr.isatty()

    def progress(self) -> RecordingProgress:
        """Return the progress of a long operation: live on a terminal, lines elsewhere."""
        self._progress = self._progress_for(self.invocation, self.mode)
        return self._progress

    def _progress_for(self, invocation: Invocation, mode: ProgressMode) -> RecordingProgress:
        if mode in (ProgressMode.JSON, ProgressMode.NONE):
            return JsonProgress(self.stderr) if mode is ProgressMode.JSON else SilentProgress()
        live = self.stderr.isatty() and self.variables.get("TERM") != "dumb"
        plain = mode is ProgressMode.PLAIN or self.variables.get("CI") or invocation.quiet
        if live and not plain:
            # It imports Rich, which costs more than most commands.
            from os2cli.output.terminal_progress import TerminalProgress

            console = self._styled(self.stderr).console
            return TerminalProgress(console, verbose=invocation.verbose)
        return PlainProgress(self.stderr, verbose=invocation.verbose, quiet=invocation.quiet)

    def result(
        self,
        document: Document | Sequence[Document],
        write_text: Callable[[], None],
        *,
        names: Sequence[str] = (),
    ) -> None:
        """Write a command's result in the requested form.

        ``document`` is what ``--json`` prints, ``names`` what ``--quiet`` does, one a line;
        ``write_text`` writes it for a person.
        """
        if self.invocation.json:
            self.document(document)
        elif self.invocation.quiet:
            for name in names:
                self.name(name)
        else:
            write_text()
        # In a CI log both streams meet: what follows on stderr must come after the result.
        self.stdout.flush()

    def name(self, name: str) -> None:
        """Write a name for a script, one a line: none that is an option or more than a line."""
        if not name or name.startswith("-") or not name.isprintable():
            self.warn(f"left out a name that scripts would misread: {name!r}")
        else:
            self.stdout.write(f"{name}\n")

    def note(self, text: str) -> None:
        """Write one line about the result to stderr, unless ``--quiet`` or ``--json``."""
        if self.mode is ProgressMode.JSON:
            write_event(self.stderr, "note", message=text)
        elif not (self.invocation.quiet or self.invocation.json or self._errors_only):
            self.stderr.write(f"{plain_line(text)}\n")

    def waiting(self, text: str) -> None:
        """Write one line to stderr about a long wait, also with ``--json``."""
        with suppress(ValueError):  # a thread may outlive the stream
            (self._progress or self.progress()).notice(text)

    def warn(self, text: str, hint: str | None = None) -> None:
        """Write a warning about the result to stderr.

        With ``--json`` the document holds it instead.
        """
        if self.mode is ProgressMode.JSON:
            write_event(self.stderr, "warning", message=text, hint=hint)
            return
        if self.invocation.json or self._errors_only:
            return
        styled = self._styled(self.stderr)
        styled.labelled("warning", "bold yellow", text)
        if hint:
            styled.labelled("hint", "bold cyan", hint)

    @property
    def _errors_only(self) -> bool:
        return self.mode is ProgressMode.NONE

    def parts(self, *parts: str | tuple[str, str]) -> None:
        """Write a line of the result from texts and (text, style) pairs; a pipe sees no style."""
        self._styled(self.stdout).parts(*parts)

    def hanging(self, lead: Sequence[str | tuple[str, str]], text: str, style: str = "") -> None:
        """Write ``lead``, then ``text``, whose further lines a terminal shows indented below it."""
        indent = sum(len(part if isinstance(part, str) else part[0]) for part in lead)
        width = self.width
        lines = [text]
        if width is not None:
            room = max(width - indent, _NARROWEST_TEXT)
            wrapped = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
            lines = wrapped or lines
        for number, line in enumerate(lines):
            before = lead if number == 0 else (" " * indent,)
            self.parts(*before, (line, style))

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        dispensable: Sequence[str] = (),
    ) -> None:
        """Write rows under a heading.

        On a terminal that is too narrow, the ``dispensable`` columns are left out, the first named
        first. A row that is still too wide wraps: names and addresses are for copying, so none is
        shortened or broken.
        """
        heading, *lines = table_lines(columns, rows, dispensable=dispensable, width=self.width)
        self.parts((heading, "bold"))
        for line in lines:
            self.line(line)

    def console(self) -> Console:
        """Return the terminal of the result, for live displays."""
        return self._styled(self.stdout).console

    @property
    def width(self) -> int | None:
        """The columns of the result's terminal, None if it is not a terminal."""
        return self._styled(self.stdout).console.width if self.stdout.isatty() else None

    def confirm(self, question: str, *, instead: str) -> bool:
        """Ask yes or no on the terminal.

        Raises:
            UsageError: there is no terminal; ``instead`` is the command that needs no answer.
        """
        if not self.interactive:
            raise _cannot_prompt(question, instead)
        self.stderr.write(f"{plain_line(question)} [y/N] ")
        self.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def confirm_by_typing(self, word: str, question: str, *, instead: str) -> bool:
        """Ask for ``word`` to be typed; raise like ``confirm``."""
        if not self.interactive:
            raise _cannot_prompt(question, instead)
        self.stderr.write(f"{plain_line(question)} Type {plain_line(word)} to confirm: ")
        self.stderr.flush()
        return sys.stdin.readline().strip() == word

    def error(self, error: Os2Error, *, as_document: bool = True) -> None:
        """Report a failure on stderr, and with ``--json``, ``as_document``, also on stdout."""
        if self.invocation.json and as_document:
            # If stdout cannot be written, stderr still gets the error.
            with suppress(OSError):
                self.document(ErrorDocument.of(error))
                self.stdout.flush()
        if self.mode is ProgressMode.JSON:
            write_error(self.stderr, error)
            return
        styled = self._styled(self.stderr)
        for line in error.log_tail:
            styled.log_line(line)
        styled.labelled("error", "bold red", error.message)
        if error.hint:
            styled.labelled("hint", "bold cyan", error.hint)

    def stopped(self, signal_name: str) -> None:
        """Report that a signal ended the command."""
        if self.mode is ProgressMode.JSON:
            write_event(self.stderr, "stopped", message=f"stopped by {signal_name}")
        else:
            self.stderr.write(f"os2: stopped by {signal_name}\n")

    def _styled(self, stream: TextIO) -> StyledStream:
        # It imports Rich, which costs more than most commands.
        from os2cli.output.styled import StyledStream

        return StyledStream(stream, self.variables)


def _cannot_prompt(question: str, instead: str) -> UsageError:
    return UsageError(
        f"cannot prompt (no terminal): {question}", hint=instead, code="confirmation_needed"
    )
