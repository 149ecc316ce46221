"""The entry point, and the only place that turns failures into exit statuses."""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from os2cli.app.quick import quick_answer
from os2cli.core.errors import BROKEN_PIPE_STATUS, OperationFailed, Os2Error, UsageError
from os2cli.host.interrupts import Interrupted, install_handlers
from os2cli.settings.invocation import Invocation

if TYPE_CHECKING:
    from os2cli.output import Output

# The parser writes for programmers.
PARSERS_WORDS = (
    (r"is not in the range (\S+?)<=x<=(\S+?)\.?$", r"is not between \1 and \2"),
    (r"is not in the range x>=(\S+?)\.?$", r"is less than \1"),
    (r"is not a valid int(eger)?( range)?\.?$", "is no whole number"),
    (r"is not a valid float( range)?\.?$", "is no number"),
)
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    install_handlers()
    invocation = Invocation()
    try:
        status = run(arguments, invocation)
        sys.stdout.flush()
    except BrokenPipeError:
        return nobody_reads()
    except SystemExit as end:
        # Typer's answer to a closed pipe; it ends a completion in the same way.
        if isinstance(end.__context__, BrokenPipeError):
            return nobody_reads()
        raise
    except Interrupted as interrupt:
        return stopped(interrupt, invocation)
    except Os2Error as error:
        return report(error, invocation)
    except Exception as error:
        if is_about_output(error):
            return report(not_written(error), invocation)
        if invocation.debug:
            raise
        return report(unexpected(error), invocation)
    return status


def prepare_streams() -> None:
    """Make the streams usable whatever the caller did to them."""
    if sys.stdout is None:  # closed with >&-
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - open as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a character shows another one; that is no failure.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def nobody_reads() -> int:
    """End as a program does whose reader went away, as ``head`` does: quietly."""
    abandon_stdout()
    return BROKEN_PIPE_STATUS


def abandon_stdout() -> None:
    """Nobody takes the output any more; the interpreter shall not complain about it at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(arguments: list[str], invocation: Invocation) -> int:
    """Parse and dispatch; what the parser refuses becomes a ``UsageError``."""
    if (answer := quick_answer(arguments)) is not None:
        print(answer)  # noqa: T201 - there is no Output yet
        return 0
    # A quick answer is over before Typer could be imported.
    import typer

    from os2cli.commands import build_app
    from os2cli.commands._declare import remember_form

    if "_OS2_COMPLETE" in os.environ:
        # Only a shell that completes needs it.
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    try:
        status = build_app().main(
            args=arguments, prog_name="os2", standalone_mode=False, obj=invocation
        )
    except typer.TyperException as error:
        remember_form(arguments, invocation)
        raise refused(error) from error
    return status if isinstance(status, int) else 0


def refused(error: Exception) -> UsageError:
    """A command line that could not be parsed, in our form."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "os2"
    message = getattr(error, "format_message", lambda: str(error))()
    for pattern, plain in PARSERS_WORDS:
        message = re.sub(pattern, plain, message)
    hint = getattr(context.command, "refusal_hint", None) if context else None
    return UsageError(message.rstrip("."), hint=hint or f"{path} --help shows what it takes")


def is_about_output(error: Exception) -> bool:
    """Whether a stream's disk is full or broken; the error of a file would name the file."""
    return isinstance(error, OSError) and error.errno in DISK_ERRORS and error.filename is None


def not_written(error: Exception) -> OperationFailed:
    """The result could not be put where stdout leads."""
    return OperationFailed(
        f"the result can't be written: {getattr(error, 'strerror', error)}",
        hint="make room where stdout leads, or send it elsewhere",
        code="output_failed",
    )


def unexpected(error: Exception) -> Os2Error:
    """A failure that nobody foresaw."""
    return Os2Error(
        f"unexpected {type(error).__name__}: {error}",
        hint="run it again with --debug for the traceback, and report it",
        code="unexpected",
    )


def stopped(interrupt: Interrupted, invocation: Invocation) -> int:
    """Tell that a signal ended the command and return its exit status."""
    with suppress(OSError):
        output_of_last_resort(invocation).stopped(str(interrupt))
    return interrupt.exit_code


def output_of_last_resort(invocation: Invocation) -> Output:
    """Return what reports how it ended, whatever could not be read before."""
    # A quick answer needs no output.
    from os2cli.output import Output
    from os2cli.settings.settings import terminal_variables

    return Output(invocation, terminal_variables())


def report(error: Os2Error, invocation: Invocation) -> int:
    """Tell a failure and return its exit status."""
    # Where a stream is full or nobody reads it, the exit status still tells.
    with suppress(OSError):
        output_of_last_resort(invocation).error(error)
    try:
        sys.stdout.flush()
    except OSError:
        abandon_stdout()
    return error.exit_code
