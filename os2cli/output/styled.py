"""Styled text on a stream, by Rich; a pipe gets the text alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.text import Text

from os2cli.core.plain_text import plain_line


class StyledStream:
    """A stream that takes styled lines; ``variables`` are ``NO_COLOR`` and ``FORCE_COLOR``."""

    def __init__(self, stream: TextIO, variables: Mapping[str, str]) -> None:
        no_color = bool(variables.get("NO_COLOR"))
        forced = bool(variables.get("FORCE_COLOR")) and not no_color
        self.console = Console(
            file=stream,
            no_color=no_color,
            # Always set: Rich would prefer FORCE_COLOR in the environment to NO_COLOR.
            force_terminal=forced or stream.isatty(),
            highlight=False,
            emoji=False,
        )

    def parts(self, *parts: str | tuple[str, str]) -> None:
        """Write a line from texts and (text, style) pairs, without their control sequences."""
        plain = (plain_line(p) if isinstance(p, str) else (plain_line(p[0]), p[1]) for p in parts)
        self.console.print(Text.assemble(*plain), soft_wrap=True)

    def labelled(self, label: str, style: str, text: str) -> None:
        """Write a line such as ``error: text``."""
        self.parts((f"{label}:", style), f" {plain_line(text)}")

    def log_line(self, line: str) -> None:
        """Write a line of a log."""
        self.parts((f"  | {plain_line(line)}", "dim"))
