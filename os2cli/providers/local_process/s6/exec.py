"""Replacing this process with another program, without traces of Python."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn


def default_signals() -> None:
    """Restore the default action of every signal: Python ignores some."""
    for signum in signal.valid_signals():
        with suppress(OSError, ValueError):  # KILL and STOP
            signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def exec_program(argv: Sequence[str], env: Mapping[str, str] | None = None) -> NoReturn:
    """Replace this process; raises ``OSError`` if the program does not exist."""
    default_signals()
    os.execvpe(argv[0], list(argv), dict(os.environ if env is None else env))  # noqa: S606
