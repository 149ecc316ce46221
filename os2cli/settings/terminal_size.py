"""The variables with which a user sets the size of the terminal, for the libraries that print."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping

# Rich, Typer and Python each read some of these, and believe any number.
_VARIABLES = ("COLUMNS", "LINES", "TERMINAL_WIDTH", "JUPYTER_COLUMNS", "JUPYTER_LINES")
_NUMBER = re.compile(r"[0-9]{1,5}", re.ASCII)
MIN_CELLS, MAX_CELLS = 20, 1000


def ignore_unusable_sizes(environ: MutableMapping[str, str] = os.environ) -> None:
    """Unset each variable that is not the size of any terminal: the terminal's own counts then."""
    for name in _VARIABLES:
        if name in environ and not _is_usable(environ[name], name):
            del environ[name]


def _is_usable(text: str, name: str) -> bool:
    least = 1 if name.endswith("LINES") else MIN_CELLS
    return _NUMBER.fullmatch(text) is not None and least <= int(text) <= MAX_CELLS
