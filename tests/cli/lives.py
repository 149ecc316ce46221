"""Helpers for a machine's life: machines on Daytona, and running processes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.command import Os2
from tests.daytona_server import DaytonaServer
from tests.daytona_server.places import MARK
from tests.daytona_server.records import SandboxRecord
from tests.processes import command_lines, marked

SNAPSHOT = "stg--20260111-193045"
DAYTONA = ("--type", "daytona")
DEADLINE = 20


def machine(daytona: DaytonaServer, name: str, *, stage: str = "stg", **more: Any) -> SandboxRecord:
    """Add a running machine without creating it through os2."""
    marks = {
        "dev.os2.machine": "1",
        "dev.os2.name": name,
        "dev.os2.stage": stage,
        "dev.os2.type": "daytona",
        "dev.os2.snapshot": SNAPSHOT,
        "dev.os2.owner": "tester",
    }
    daytona.add_sandbox(f"{stage}--{name}", snapshot=SNAPSHOT, labels=marks, **more)
    return daytona.sandbox(f"{stage}--{name}")


class Endless:
    """A program in a machine that prints ``started`` and then ``more`` forever."""

    argv = ("endless",)

    def __init__(
        self, daytona: DaytonaServer, sandbox: SandboxRecord, *, as_service: bool = False
    ) -> None:
        """Install it, for the log of a service in place of the shell that reads that."""
        self._marker = daytona.home(sandbox.id) / "started"
        self._sandbox = sandbox
        daytona.add_program(sandbox.id, "endless", _ENDLESS)
        if as_service:
            daytona.add_program(sandbox.id, "sh", _SERVICE)

    def has_started(self) -> bool:
        """Whether it has printed."""
        return self._marker.exists()

    def has_ended(self) -> bool:
        """Whether it ran and does so no longer."""
        return self.has_started() and not [
            words for words in programs(self._sandbox) if "endless" in str(words)
        ]


_ENDLESS = """echo started; touch "$HOME/started"; while :; do sleep 0.05; echo more; done"""
_SERVICE = 'case "$2" in *metadata.json*) exec endless ;; esac; exec /bin/sh "$@"'


def programs(sandbox: SandboxRecord) -> list[list[str]]:
    """Return the arguments of what runs in a machine."""
    return command_lines(marked(MARK, sandbox.id))


def hint(stderr: str) -> list[str]:
    """Return the command in a hint, without the word ``os2``."""
    last = stderr.strip().splitlines()[-1]
    _, _, command = last.partition("os2 ")
    return command.split()


def state(daytona: DaytonaServer, name: str) -> str:
    """Return Daytona's record of a machine of staging."""
    return daytona.sandbox(f"stg--{name}").state


@contextmanager
def going_on(cloud: Os2, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command that is killed at the end of the test."""
    process = cloud.start(*arguments)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE)


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Press Ctrl-C; return the exit code and the output, within 5 seconds."""
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=DEADLINE)
    assert time.monotonic() - begun < 5
    return process.returncode, stdout, stderr


def browser(folder: Path) -> dict[str, str]:
    """A browser that records its arguments and the page it loads; it submits a form in a file."""
    program = folder / "browser"
    program.write_text(
        "#!/bin/sh\n"
        f'printf "%s\\n" "$@" >> "{folder}/argv"\n'
        'case "$1" in\n'
        '  file://*) action=$(sed -n \'s/.*action="\\([^"]*\\)".*/\\1/p\' "${1#file://}")\n'
        '    set -- -d "" "$action" ;;\n'
        "esac\n"
        # A real one shows what fails, and ends well.
        f'curl -sS -L --max-time 10 "$@" > "{folder}/page" 2>&1 || true\n'
    )
    program.chmod(0o755)
    return {"BROWSER": str(program), "NO_PROXY": "*", "PATH": os.environ["PATH"]}
