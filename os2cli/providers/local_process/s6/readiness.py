"""``s6-notifyoncheck``: run a program, and notify readiness as soon as a check succeeds."""

from __future__ import annotations

import contextlib
import getopt
import os
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from os2cli.providers.local_process.s6.exec import exec_program


@dataclass(frozen=True)
class Check:
    """A check, and how often it runs; times in seconds, 0 tries mean no limit."""

    argv: list[str]
    descriptor: int
    first: float = 0.01
    pause: float = 1.0
    each: float = 0.0
    whole: float = 0.0
    tries: int = 7

    def until_ready(self) -> None:
        """Run the check until it succeeds, then write a line to the descriptor."""
        deadline = time.monotonic() + self.whole if self.whole else float("inf")
        time.sleep(self.first)
        left = self.tries or sys.maxsize
        while left > 0 and time.monotonic() < deadline:
            if self._succeeds():
                os.write(self.descriptor, b"\n")
                return
            left -= 1
            time.sleep(self.pause)

    def _succeeds(self) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            done = subprocess.run(self.argv, check=False, timeout=self.each or None)
            return done.returncode == 0
        return False


def parse(arguments: list[str]) -> tuple[Check, list[str]]:
    """Return the check, and the program to run."""
    options, program = getopt.getopt(arguments, "d3:s:T:t:w:n:c:")
    values = dict(options)

    def seconds(name: str, otherwise: float) -> float:
        return int(values[name]) / 1000 if name in values else otherwise

    descriptor = values["-3"] if "-3" in values else Path("notification-fd").read_text().strip()
    return Check(
        argv=shlex.split(values["-c"]) if "-c" in values else ["./data/check"],
        descriptor=int(descriptor),
        first=seconds("-s", 0.01),
        pause=seconds("-w", 1.0),
        each=seconds("-t", 0.0),
        whole=seconds("-T", 0.0),
        tries=int(values.get("-n", 7)),
    ), program


def main(arguments: list[str]) -> NoReturn:
    """Run the check in a process that is not a child of the program, then exec the program."""
    check, program = parse(arguments)
    child = os.fork()
    if child == 0:
        try:
            if os.fork() == 0:
                check.until_ready()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(check.descriptor)
    exec_program(program)
