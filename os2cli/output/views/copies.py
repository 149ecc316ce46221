"""The text of ``machine cp``."""

from __future__ import annotations

from os2cli.core.errors import PartlyDone
from os2cli.machines.copying import Copied
from os2cli.output.documents.executions import CopyDocument
from os2cli.output.humanize import size
from os2cli.output.output import Output


def show_copy(output: Output, source: str, target: str, copied: Copied) -> int:
    """Show what was copied; return the exit code, which tells whether files are missing."""
    text = f"copied {source} to {target} ({size(copied.archive_bytes)})"
    output.result(
        CopyDocument.of(source, target, copied),
        lambda: output.line(text),
        names=[target],
    )
    return PartlyDone.exit_code if copied.omissions.failed else 0
