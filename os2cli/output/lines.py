"""The lines of a result on stdout: each kind of text through the filter that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from os2cli.core.plain_text import plain_line, plain_text
from os2cli.output.documents.document import Document
from os2cli.output.documents.encoding import to_json


class ResultLines:
    """Writes to stdout."""

    def __init__(self, stdout: TextIO) -> None:
        self.stdout = stdout

    def line(self, text: str) -> None:
        """Write one line of the result, without anything that a terminal obeys."""
        self.stdout.write(f"{plain_line(text)}\n")

    def text(self, text: str) -> None:
        """Write lines of the result, without anything that a terminal obeys."""
        self.stdout.write(f"{plain_text(text)}\n")

    def document(self, document: Document | Sequence[Document], *, indent: int | None = 2) -> None:
        """Write a JSON document, by default on several lines."""
        self.stdout.write(f"{to_json(document, indent=indent)}\n")

    def log_line(self, line: str) -> None:
        """Write a line that a program wrote: a pipe gets it as it is, a terminal filtered."""
        self.stdout.write(f"{plain_text(line) if self.stdout.isatty() else line}\n")
