"""Programs that run in a sandbox: each in a session, whose log is polled until the program ends.

The API returns the log as text: bytes that are not UTF-8 arrive as U+FFFD.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
import uuid
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any, BinaryIO

from os2cli.core.clock import Clock
from os2cli.core.errors import Os2Error, Unreachable
from os2cli.core.models import Command, Streams
from os2cli.providers.daytona.api.errors import invalid_answer
from os2cli.providers.daytona.machines.toolbox import UNDO_SECONDS, Toolbox

PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
# A program keeps running while the connection to it is down for a while.
SILENT_SECONDS = 60.0
STDERR_BYTES = 64 * 1024
# Stands for a character that has arrived only in part.
_PARTIAL = "\ufffd"


class Execution:
    """One program in one sandbox; removing its session ends it."""

    def __init__(self, toolbox: Toolbox, doing: str, clock: Clock) -> None:
        self.toolbox = toolbox
        self.doing = doing
        self.clock = clock
        self.session = f"os2-{uuid.uuid4().hex}"
        self.path = f"/process/session/{self.session}"
        self.stderr = b""
        self.exit_code = 0

    def run(self, command: Command, streams: Streams) -> int:
        """Run it to its end and return its exit code; interrupting this ends the program."""
        targets = {"stdout": streams.stdout, "stderr": streams.stderr}
        with closing(self._pieces(command, streams.stdin)) as pieces:
            for stream, data in pieces:
                targets[stream].write(data)
                targets[stream].flush()
        return self.exit_code

    def output(self, command: Command) -> Iterator[bytes]:
        """Yield what it writes to stdout; then ``stderr`` and ``exit_code`` are known."""
        for stream, data in self._pieces(command, None):
            if stream == "stdout":
                yield data
            else:
                self.stderr = (self.stderr + data)[-STDERR_BYTES:]

    def _pieces(self, command: Command, stdin: BinaryIO | None) -> Generator[tuple[str, bytes]]:
        """Yield chunks of both streams; closing the generator ends the program."""
        # An error message may repeat the command line that holds them.
        self.toolbox.client.keep_secret(command.env)
        quoted = {name: shlex.quote(value).strip("'") for name, value in command.env.items()}
        self.toolbox.client.keep_secret(quoted)
        with self._session(), self._uploaded(stdin) as source:
            command_id = self._start(shell_line(command, source))
            log = _Log()
            pauses = iter(PAUSES)
            while True:
                exit_code, whole_log = self._poll(command_id)
                news = list(log.news(whole_log, ended=exit_code is not None))
                yield from news
                if exit_code is not None:
                    self.exit_code = exit_code
                    return
                if news:
                    pauses = iter(PAUSES)
                self.clock.sleep(next(pauses, PAUSES[-1]))

    @contextmanager
    def _session(self) -> Iterator[None]:
        body = {"sessionId": self.session}
        try:
            # Inside the block: without an answer, it may have been created nevertheless.
            self.toolbox.request("POST", "/process/session", self.doing, json=body)
            yield
        finally:
            with suppress(Os2Error):
                self.toolbox.request("DELETE", self.path, self.doing, timeout=UNDO_SECONDS)

    @contextmanager
    def _uploaded(self, stdin: BinaryIO | None) -> Iterator[str]:
        """Yield the path of a file in the sandbox that holds all of stdin."""
        if stdin is None:
            yield "/dev/null"
            return
        path = f"/tmp/{self.session}"  # noqa: S108  # in the sandbox, with an unguessable name
        try:
            # An upload needs its length, which a pipe does not know.
            with tempfile.TemporaryFile() as file:
                shutil.copyfileobj(stdin, file)
                file.seek(0)
                self.toolbox.upload(file, path, self.doing)
            yield path
        finally:
            self.toolbox.forget(path)

    def _start(self, line: str) -> str:
        body = {"command": line, "runAsync": True}
        answer = self.toolbox.json("POST", f"{self.path}/exec", self.doing, json=body)
        command_id = answer.get("cmdId") or answer.get("commandId")
        if not isinstance(command_id, str):
            raise invalid_answer(self.doing, "cmdId is missing")
        return command_id

    def _poll(self, command_id: str) -> tuple[int | None, Mapping[str, Any]]:
        """Return the exit code, None while the program runs, and the whole log until now."""
        deadline = self.clock.now() + SILENT_SECONDS
        path = f"{self.path}/command/{command_id}"
        while True:
            try:
                # In this order: the log then holds all that was written before the end.
                state = self.toolbox.json("GET", path, self.doing)
                log = self.toolbox.json("GET", f"{path}/logs", self.doing)
            except Unreachable:
                if self.clock.now() >= deadline:
                    raise
                self.clock.sleep(PAUSES[-1])
                continue
            code = state.get("exitCode")
            return (code if type(code) is int else None), log


class _Log:
    """What is new in a log that each poll returns from its beginning."""

    def __init__(self) -> None:
        self._passed = {"stdout": 0, "stderr": 0}

    def news(self, log: Mapping[str, Any], *, ended: bool) -> Iterator[tuple[str, bytes]]:
        """Yield the new part of each stream that has one."""
        if not any(log.get(name) for name in self._passed):
            # Older servers do not separate the streams.
            log = {"stdout": log.get("output")}
        for name, passed in self._passed.items():
            text = str(log.get(name) or "")[passed:]
            if not ended:
                text = text.rstrip(_PARTIAL)
            if text:
                self._passed[name] = passed + len(text)
                yield name, text.encode()


def shell_line(command: Command, stdin: str) -> str:
    """Return a line for the sandbox's shell that runs the command with exactly its arguments."""
    words = shlex.join(command.argv)
    if command.env:
        pairs = (f"{name}={value}" for name, value in command.env.items())
        words = f"env {shlex.join(pairs)} {words}"
    folder = f"cd {shlex.quote(command.folder)} && " if command.folder else ""
    # In a subshell: `exit` and `exec` must not end the session's shell.
    return f"( {folder}exec {words} ) < {shlex.quote(stdin)}"
