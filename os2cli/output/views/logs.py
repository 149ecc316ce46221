"""What ``logs`` shows: lines as they come."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from os2cli.output import Output
from os2cli.output.documents.executions import LogDocument


def show_log(output: Output, lines: Iterable[str], name: str, service: str | None = None) -> None:
    """Print lines as they come; as one document they are kept until the end."""
    if output.invocation.json:
        kept = list(lines)

        output.result(LogDocument(name=name, service=service, lines=kept), lambda: None)
        return
    try:
        for line in lines:
            output.line(output.shown(line))
            output.stdout.flush()
    finally:
        # What reads it in the machine ends now, whatever ended this.
        if isinstance(lines, Generator):
            lines.close()
