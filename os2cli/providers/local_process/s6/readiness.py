"""``s6-notifyoncheck``: become a program, and say that it is ready as soon as a check succeeds."""

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
    """What is run how often; seconds, and 0 tries mean no limit."""

    argv: list[str]
    descriptor: int
    first: float = 0.01
    pause: float = 1.0
    each: float = 0.0
    whole: float = 0.0
    tries: int = 7

    def until_ready(self) -> None:
        """Try, and write a line to the descriptor when that succeeds."""
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
    """The check, and the program to become."""
    options, program = getopt.getopt(arguments, "d3:s:T:t:w:n:c:")
    given = dict(options)

    def seconds(name: str, otherwise: float) -> float:
        return int(given[name]) / 1000 if name in given else otherwise

    descriptor = given["-3"] if "-3" in given else Path("notification-fd").read_text().strip()
    return Check(
        argv=shlex.split(given["-c"]) if "-c" in given else ["./data/check"],
        descriptor=int(descriptor),
        first=seconds("-s", 0.01),
        pause=seconds("-w", 1.0),
        each=seconds("-t", 0.0),
        whole=seconds("-T", 0.0),
        tries=int(given.get("-n", 7)),
    ), program


def main(arguments: list[str]) -> NoReturn:
    """Leave the check to a process beside the program, which is no child of it."""
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
