"""Docker's helper programs that keep logins (``docker-credential-…``), with a deadline."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import Any

from docker.credentials import Store
from docker.credentials.constants import PROGRAM_PREFIX
from docker.credentials.errors import StoreError, process_store_error

# Enough for a user to unlock what keeps the logins.
HELPER_SECONDS = 30.0


class LoginHelper(Store):
    """A helper that ends: at its deadline it counts as one that fails, also when asked again.

    ``problem`` says in words why it did not answer the last question, and is empty if it did.
    """

    def __init__(self, name: str) -> None:
        self.program = PROGRAM_PREFIX + name
        self.exe = shutil.which(self.program)
        self.environment: Any = None
        self.problem = ""
        self._hangs = False

    @property
    def hint(self) -> str:
        """What to do about its problem."""
        if self.exe is None:
            return (
                f"install {self.program}, which Docker's config.json names, or leave it out there"
            )
        why = f"see why: {shlex.quote(self.program)} list"
        return f"{self.program} {self.problem}: {why}, or log in: docker login"

    def _execute(self, subcmd: str, data_input: bytes | None) -> bytes:
        if self._hangs:
            raise StoreError(f"{self.program} {self.problem}")
        self.problem = "is missing" if self.exe is None else "gave no login"
        if self.exe is None:
            raise StoreError(f"{self.program} {self.problem}")
        try:
            answer = _run([self.exe, subcmd], data_input or b"")
        except subprocess.TimeoutExpired:
            self._hangs = True
            self.problem = f"did not answer within {HELPER_SECONDS:g} s"
            raise
        except subprocess.CalledProcessError as error:
            failure = process_store_error(error, self.program)
            if type(failure) is not StoreError:
                # It works, and has none.
                self.problem = ""
            raise failure from error
        self.problem = ""
        return answer


def _run(argv: list[str], given: bytes) -> bytes:
    # In a session of its own it has no terminal to ask for a password, but is ended as a whole.
    apart = not (sys.stdin and sys.stdin.isatty())
    # Files, not pipes: what a helper leaves behind would hold those open.
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as answer:
        source.write(given)
        source.seek(0)
        process = subprocess.Popen(argv, stdin=source, stdout=answer, start_new_session=apart)
        try:
            status = process.wait(HELPER_SECONDS)
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    if apart:
                        os.killpg(process.pid, signal.SIGKILL)
                    process.kill()
                process.wait()
        answer.seek(0)
        text = answer.read()
    if status:
        raise subprocess.CalledProcessError(status, argv, text)
    return text
