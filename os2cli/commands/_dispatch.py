"""From the words of a command line to the command they name."""

from __future__ import annotations

import os
import re
from contextvars import copy_context

import typer

from os2cli.commands import build_app
from os2cli.commands._declare import remember_form
from os2cli.core.errors import UsageError
from os2cli.core.redaction import HIDDEN, mask_tokens
from os2cli.settings.invocation import Invocation

# The parser's messages, in the form of os2's.
PARSER_MESSAGES = (
    (r"^Invalid value for '([^']+)'(?: / '[^']+')*: ", r"\1: "),
    (r"^No such command ('\S*')\. Did you mean (.+)$", r"unknown command \1; did you mean \2"),
    (r"^No such command ", "unknown command "),
    (r"^No such option: (\S+) \(Possible options: (.+)\)$", r"unknown option \1; did you mean \2?"),
    (r"^No such option: (\S+) Did you mean (.+)$", r"unknown option \1; did you mean \2"),
    (r"^No such option: ", "unknown option "),
    (r"(?s)^Missing argument '([^']+)'.*$", r"missing argument \1"),
    (r"^Missing command", "missing command"),
    # What follows a `-e` that is missing may be a variable with its value.
    (
        r"(?s)^Got unexpected extra argument(?:s|\(s\))? \(([^=]*=).*\)$",
        rf"unexpected argument: \1{HIDDEN}",
    ),
    (r"^Got unexpected extra argument(?:s|\(s\))? \((.+)\)$", r"unexpected argument: \1"),
    (r"^Option '([^']+)' requires .*$", r"\1 requires a value"),
    (r"^Option '([^']+)' does not take a value\.?$", r"\1 does not take a value"),
    (r"is not in the range (\S{1,40}?)<=x<=(\S{1,40}?)\.?$", r"is not between \1 and \2"),
    (r"is not in the range x>=(\S{1,40}?)\.?$", r"is less than \1"),
    (r"is not a valid int(eger)?( range)?\.?$", "is not a whole number"),
    (r"is not a valid float( range)?\.?$", "is not a number"),
)


def dispatch(arguments: list[str], invocation: Invocation) -> int:
    """Run a command and return its exit code; raise ``UsageError`` if the parser rejects it."""
    if "_OS2_COMPLETE" in os.environ:
        # Few command lines are completed.
        from os2cli.commands._shells import offer_completion

        offer_completion()
    try:
        # What the command sets in its context ends with it.
        status = copy_context().run(
            build_app().main,
            args=arguments,
            prog_name="os2",
            standalone_mode=False,
            obj=invocation,
        )
    except typer.TyperException as error:
        remember_form(arguments, invocation)
        raise rejected(error) from error
    return status if isinstance(status, int) else 0


def rejected(error: Exception) -> UsageError:
    """Return the error for a command line that could not be parsed."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "os2"
    message = getattr(error, "format_message", lambda: str(error))().removesuffix(".")
    for pattern, plain in PARSER_MESSAGES:
        message = re.sub(pattern, plain, message)
    hint = getattr(context.command, "refusal_hint", None) if context else None
    return UsageError(mask_tokens(message), hint=hint or f"show the usage: {path} --help")
