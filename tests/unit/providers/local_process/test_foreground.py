"""How a program and what it has in the foreground end."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from os2cli.providers.local_process.foreground import end_foreground


class EndsUnseen(subprocess.Popen[bytes]):
    """A program that ignores what can be ignored, and ends just after look number ``looks``."""

    looks = 1

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        code = super().poll()
        self.looks -= 1
        if self.looks == 0:
            os.kill(self.pid, signal.SIGKILL)
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        return code


@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_program_is_reaped_whenever_it_ends(looks: int) -> None:
    argv = ["sh", "-c", "trap '' INT TERM; echo; exec cat"]
    with EndsUnseen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        program.looks = looks

        end_foreground(program)

        assert program.returncode == -signal.SIGKILL
