"""What ``logs`` shows: lines as they come."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from os2cli.core.errors import OperationFailed
from os2cli.output import Output
from os2cli.output.documents.executions import LogDocument

MAX_DOCUMENT_MB = 64


def show_log(output: Output, lines: Iterable[str], name: str, service: str | None = None) -> None:
    """Print lines as they come; with ``--json``, all of them at the end."""
    if output.invocation.json:
        document = LogDocument(name=name, service=service, lines=_all(lines))
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


def _all(lines: Iterable[str]) -> list[str]:
    """Return all lines, if one document can hold them."""
    kept: list[str] = []
    left = MAX_DOCUMENT_MB * 1_000_000
    for line in lines:
        left -= len(line)
        if left < 0:
            raise OperationFailed(
                f"the log is larger than {MAX_DOCUMENT_MB} MB, too large for one document",
                hint="read its end with --tail N, or leave --json out",
                code="log_too_large",
            )
        kept.append(line)
    return kept
