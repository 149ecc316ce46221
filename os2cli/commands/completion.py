"""``os2 completion``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

# Typer has no public way to print the script alone.
from typer.completion import get_completion_script  # type: ignore[attr-defined]

from os2cli.app.session import Session

COMPLETION_VARIABLE = "_OS2_COMPLETE"


class Shell(StrEnum):
    """A shell that os2 supports completion in."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    ctx: typer.Context, shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish")]
) -> None:
    """Print the completion script for a shell.

    os2 does not change the shell's own files.

    [dim]Examples:[/dim]
      source <(os2 completion bash)
      os2 completion zsh > ~/.zfunc/_os2
      os2 completion fish > ~/.config/fish/completions/os2.fish
    """
    session = Session.start(ctx)
    session.output.text(
        get_completion_script(prog_name="os2", complete_var=COMPLETION_VARIABLE, shell=shell.value)
    )
