"""Runs os2 as its users do: as a process, with only the given environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

DEADLINE_SECONDS = 300
# os2 on a host that is fast enough to complete names within a shell's patience.
UNHURRIED = """
from os2cli.host import concurrency
concurrency.NAMES_SECONDS = 60
from os2cli.__main__ import main
raise SystemExit(main())
"""


@dataclass(frozen=True)
class Result:
    """The result of a command."""

    status: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Os2:
    """The command line, started in a folder with an environment."""

    folder: Path
    env: Mapping[str, str]

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """Run it to completion."""
        return self._run(self.argv(*arguments), env)

    def python(self, script: str, *arguments: str) -> Result:
        """Run a Python script instead."""
        return self._run([sys.executable, "-P", "-c", script, *arguments])

    def completed(self, words: Mapping[str, str]) -> list[str]:
        """Return what completion offers, without its deadline."""
        env = {"_OS2_COMPLETE": "complete_bash", **words}
        return self._run([sys.executable, "-P", "-c", UNHURRIED], env).stdout.split()

    def shell(self, script: str, *arguments: str) -> Result:
        """Run a shell script that has the command line as its arguments."""
        return self._run(["sh", "-c", script, "sh", *self.argv(*arguments)])

    def run(self, argv: Sequence[str]) -> Result:
        """Run another program in its folder and environment."""
        return self._run(argv)

    def unread(self, *arguments: str) -> Result:
        """Run it with a stdout whose reader is already gone."""
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as stdout:
            return self._run(self.argv(*arguments), stdout=stdout)

    def _run(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        stdout: int | IO[str] = subprocess.PIPE,
    ) -> Result:
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env={**self.env, **(env or {})},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE_SECONDS,
        )
        return Result(done.returncode, done.stdout or "", done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it without waiting; the caller waits for its end."""
        return subprocess.Popen(
            self.argv(*arguments),
            cwd=self.folder,
            env=dict(self.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def argv(*arguments: str) -> list[str]:
        """Return the command line of a process."""
        return [sys.executable, "-P", "-m", "os2cli", *arguments]


def base_environment(home: Path) -> dict[str, str]:
    """Return what a process needs to find Python, os2 and its home, without any setting of os2."""
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "DOCKER_HOST") if name in os.environ
    }
    root = str(Path(__file__).parents[1])
    return {**kept, "HOME": str(home), "PYTHONPATH": root}
