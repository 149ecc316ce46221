"""The entry point, and the only place that turns failures into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from os2cli.app.quick import quick_answer
from os2cli.core.errors import BROKEN_PIPE_STATUS, OperationFailed, Os2Error
from os2cli.host.interrupts import Interrupted, install_handlers
from os2cli.host.streams import OutputError, ReaderGone, abandon_stdout, prepare_streams
from os2cli.host.system_errors import explained
from os2cli.settings.invocation import Invocation
from os2cli.settings.terminal_size import ignore_unusable_sizes

if TYPE_CHECKING:
    from os2cli.output import Output


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    install_handlers()
    prepare_streams()
    ignore_unusable_sizes()
    invocation = Invocation()
    try:
        status = run(arguments, invocation)
        sys.stdout.flush()
    except ReaderGone:
        return closed_pipe()
    except SystemExit as end:
        # Typer exits like this on a closed pipe; completions always exit this way.
        if isinstance(end.__context__, ReaderGone):
            return closed_pipe()
        raise
    except Interrupted as interrupt:
        return stopped(interrupt, invocation)
    except Os2Error as error:
        return report(error, invocation)
    except OutputError as error:
        return report(write_error(error), invocation)
    except Exception as error:
        if invocation.debug:
            raise
        return report(explained(error) or unexpected(error), invocation)
    return status


def closed_pipe() -> int:
    """Return the exit code of a program whose reader, such as ``head``, has exited."""
    abandon_stdout()
    return BROKEN_PIPE_STATUS


def run(arguments: list[str], invocation: Invocation) -> int:
    """Run the command line and return its exit code; raise ``UsageError`` if it is rejected."""
    if (answer := quick_answer(arguments)) is not None:
        print(answer)  # noqa: T201 - there is no Output yet
        return 0
    # Importing Typer takes longer than a quick answer.
    from os2cli.commands._dispatch import dispatch

    return dispatch(arguments, invocation)


def write_error(error: OutputError) -> OperationFailed:
    """Return the error for a result that could not be written to stdout."""
    return OperationFailed(
        f"cannot write the result: {error.strerror}",
        hint="free space where stdout goes, or redirect it",
        code="output_failed",
    )


def unexpected(error: Exception) -> Os2Error:
    """Return the error for an exception that os2 does not expect."""
    return Os2Error(
        f"unexpected {type(error).__name__}: {error}",
        hint="run the command again with --debug, and report the traceback",
        code="unexpected",
    )


def stopped(interrupt: Interrupted, invocation: Invocation) -> int:
    """Report that a signal ended the command and return its exit code."""
    with suppress(OSError):
        fallback_output(invocation).stopped(str(interrupt))
    return interrupt.exit_code


def fallback_output(invocation: Invocation) -> Output:
    """Return an output that needs no settings."""
    # A quick answer needs no output.
    from os2cli.output import Output

    return Output(invocation)


def report(error: Os2Error, invocation: Invocation) -> int:
    """Report a failure and return its exit code."""
    # If a stream is full or closed, the exit code still reports the failure.
    with suppress(OSError):
        fallback_output(invocation).error(error)
    try:
        sys.stdout.flush()
    except OSError:
        abandon_stdout()
    return error.exit_code
