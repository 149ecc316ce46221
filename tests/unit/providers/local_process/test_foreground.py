"""How a program and what it has in the foreground end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from os2cli.core.deadline import within
from os2cli.core.errors import TimedOut
from os2cli.core.models import Command, Streams
from os2cli.providers.local_process.executions import Execution
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


def test_a_program_ends_at_the_deadline_of_a_question(tmp_path: Path) -> None:
    execution = Execution({"PATH": os.environ["PATH"]}, tmp_path)
    began = time.monotonic()

    with pytest.raises(TimedOut) as caught, within(0.3):
        execution.run(Command(("sleep", "60")), Streams(io.BytesIO(), io.BytesIO()))

    assert caught.value.hint
    assert time.monotonic() - began < 30
