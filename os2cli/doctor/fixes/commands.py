"""The programs that a fix runs, with little of the environment passed on."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from os2cli.core.errors import OperationFailed, TimedOut
from os2cli.host.programs import ProgramResult, ProgramTimeout, run_program

# Only these are passed on: under `doppler run` the environment is full of secrets.
_PASSED_ON = ("PATH", "HOME", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "TMPDIR", "SYSTEMROOT")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")

# Programs that outlive os2; referenced here because Popen warns if it is collected before the end.
LEFT_RUNNING: list[subprocess.Popen[bytes]] = []


class Commands:
    """Programs on the PATH of ``variables``, run with few of the other variables."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        names = (*_PASSED_ON, *_PROXIES, *map(str.lower, _PROXIES))
        self._environment = {name: variables[name] for name in names if name in variables}
        self._environment["LC_ALL"] = "C"

    def find(self, name: str) -> str | None:
        """Return the program's path, or None."""
        return shutil.which(name, path=self._environment.get("PATH", ""))

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        on_line: Callable[[str], None] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> ProgramResult:
        """Run a program to its end, which may be a failure; ``timeout`` is in seconds.

        Raises:
            OperationFailed: the program is not on the PATH.
            TimedOut: it did not end in time and was stopped.
        """
        command = [self._require(argv[0]), *argv[1:]]
        env = {**self._environment, **(extra or {})}
        try:
            return run_program(command, timeout=timeout, env=env, on_line=on_line)
        except ProgramTimeout as late:
            raise TimedOut(
                f"timed out after {timeout:g} s waiting for {' '.join(argv)}",
                hint="run the command by hand to see why",
                log_tail=late.tail,
            ) from None

    def check(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        on_line: Callable[[str], None] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Run a program; raises ``OperationFailed`` with its last lines if it fails."""
        result = self.run(argv, timeout=timeout, on_line=on_line, extra=extra)
        if result.returncode != 0:
            raise OperationFailed(
                f"{' '.join(argv)} failed with exit code {result.returncode}",
                hint="see the end of its output above",
                log_tail=result.tail,
            )

    def start_detached(self, argv: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
        """Start a program that outlives os2, with its output appended to ``log``."""
        log.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            process = subprocess.Popen(
                [self._require(argv[0]), *argv[1:]],
                env=self._environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                umask=0o022,
            )
        finally:
            os.close(descriptor)
        LEFT_RUNNING.append(process)
        return process

    def _require(self, name: str) -> str:
        if path := self.find(name):
            return path
        raise OperationFailed(
            f"program {name} not found",
            hint="install it, or add its directory to PATH",
            code="program_missing",
        )
