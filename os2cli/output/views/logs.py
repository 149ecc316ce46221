"""What ``logs`` shows: lines as they come."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from os2cli.output import Output
from os2cli.output.documents.executions import LogDocument


def show_log(output: Output, lines: Iterable[str], name: str, service: str | None = None) -> None:
    """Print lines as they come; with ``--json``, all of them at the end."""
    if output.invocation.json:
        document = LogDocument(name=name, service=service, lines=list(lines))

        output.result(document, lambda: None)
        return
    try:
        for line in lines:
            output.log_line(line)
            output.stdout.flush()
    finally:
        # Stop the reader in the machine, even after an error.
        if isinstance(lines, Generator):
            lines.close()
