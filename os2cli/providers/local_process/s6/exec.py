"""Becoming another program, with nothing of Python left in it."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn


def default_signals() -> None:
    """Let every signal do what it does by default: Python itself ignores some, and so might we."""
    for signum in signal.valid_signals():
        with suppress(OSError, ValueError):  # KILL and STOP
            signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def exec_program(argv: Sequence[str], env: Mapping[str, str] | None = None) -> NoReturn:
    """Replace this process; raises ``OSError`` when there is no such program."""
    default_signals()
    os.execvpe(argv[0], list(argv), dict(os.environ if env is None else env))  # noqa: S606
