"""Completion in the shells: what they are offered is inert.

Bash puts a candidate into the command line as it is, zsh evaluates the list of them. So a name with
``$(…)`` in it, which a provider may report, would run.
"""

from __future__ import annotations

import re
from typing import Any

# Typer has no public way to change what is offered.
from typer.completion import completion_init, shell_completion  # type: ignore[attr-defined]

_SHELLS = ("bash", "zsh", "fish")
# No shell gives these a meaning in the middle of a word, nor takes the first for an option's.
_INERT = re.compile(r"(--?)?[A-Za-z0-9_./][A-Za-z0-9_./:@%+=,-]*", re.ASCII)
_NOT_INERT_IN_HELP = re.compile(r"[^A-Za-z0-9 _./@%+=,-]", re.ASCII)


def offer_completion() -> None:
    """Register the shells, each offering inert candidates only."""
    completion_init()
    for shell in _SHELLS:
        known: Any = shell_completion.get_completion_class(shell)
        shell_completion.add_completion_class(
            type(f"Inert{known.__name__}", (_Inert, known), {}), shell
        )


def is_inert(word: str) -> bool:
    """Return whether a word is itself, unquoted, in every shell."""
    return _INERT.fullmatch(word) is not None


class _Inert:
    """What filters the candidates of a shell's class."""

    def get_completions(self, args: list[str], incomplete: str) -> list[Any]:
        """Return the candidates that are inert, with the help that is left of theirs."""
        known: Any = super()
        items = known.get_completions(args, incomplete)
        for item in items:
            item.help = _NOT_INERT_IN_HELP.sub("", item.help) if item.help else item.help
        return [item for item in items if is_inert(str(item.value))]
