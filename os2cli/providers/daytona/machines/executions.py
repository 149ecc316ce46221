"""Programs that run in a sandbox: each in a session, with a keeper that holds its streams."""

from __future__ import annotations

import shlex
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import BinaryIO
from urllib.parse import quote

from os2cli.core.clock import Clock
from os2cli.core.deadline import apart
from os2cli.core.errors import OperationFailed, Os2Error, Unreachable
from os2cli.core.models import Command, Streams
from os2cli.providers.daytona.api.errors import invalid_answer
from os2cli.providers.daytona.machines.feed import PAUSES, Feed
from os2cli.providers.daytona.machines.keeper import Keeper
from os2cli.providers.daytona.machines.session_log import session_lines
from os2cli.providers.daytona.machines.spool import Spool
from os2cli.providers.daytona.machines.toolbox import UNDO_SECONDS, Patience, Toolbox
from os2cli.providers.log_lines import last_lines

STDERR_BYTES = 64 * 1024
CHECK_EVERY = 4
# A program gets 1.5 s until it is killed, and a busy machine takes its time.
INTERRUPT_SECONDS = 5.0
TAKEN = 409


class Execution:
    """One program in one sandbox; removing its session interrupts it."""

    def __init__(self, toolbox: Toolbox, doing: str, clock: Clock) -> None:
        self.toolbox = toolbox
        self.doing = doing
        self.clock = clock
        self.session = f"os2-{uuid.uuid4().hex}"
        self.path = f"/process/session/{self.session}"
        self.stderr = b""
        self.exit_code = 0

    def run(self, command: Command, streams: Streams) -> int:
        """Run it to its end and return its exit code; interrupting this interrupts the program."""
        targets = {"stdout": streams.stdout, "stderr": streams.stderr}
        with closing(self._pieces(command, streams.stdin)) as pieces:
            for stream, data in pieces:
                targets[stream].write(data)
                targets[stream].flush()
        return self.exit_code

    def output(self, command: Command) -> Generator[bytes]:
        """Yield what it writes to stdout; then ``stderr`` and ``exit_code`` are known."""
        with closing(self._pieces(command, None)) as pieces:
            for stream, data in pieces:
                if stream == "stdout":
                    yield data
                else:
                    self.stderr = (self.stderr + data)[-STDERR_BYTES:]

    def _pieces(self, command: Command, stdin: BinaryIO | None) -> Generator[tuple[str, bytes]]:
        """Yield chunks of both streams; closing the generator interrupts the program."""
        # An error message may repeat the script that holds them.
        self.toolbox.client.keep_secret(command.env)
        quoted = {name: shlex.quote(value).strip("'") for name, value in command.env.items()}
        self.toolbox.client.keep_secret(quoted)
        keeper = Keeper(self.session, command, reads=stdin is not None)
        with self._session(keeper.folder):
            command_id = quote(self._start(keeper.script()), safe="")
            path = f"{self.path}/command/{command_id}"
            feed = Feed(self.toolbox, path, keeper.folder, stdin) if stdin is not None else None
            try:
                yield from self._streams(keeper, path, feed)
            finally:
                if feed is not None:
                    feed.stop()

    def _streams(
        self, keeper: Keeper, path: str, feed: Feed | None
    ) -> Generator[tuple[str, bytes]]:
        spools = {
            name: Spool(self.toolbox, f"{keeper.folder}/{name}", keeper.mark)
            for name in ("stdout", "stderr")
        }
        stdout = spools["stdout"]
        patience, pauses, silences = Patience(self.toolbox), iter(PAUSES), 0
        while any(spool.exit_code is None for spool in spools.values()):
            news = False
            # The keeper makes its file first: one that is missing now was lost.
            stdout.seen = stdout.seen or spools["stderr"].seen
            try:
                for name, spool in spools.items():
                    for data in spool.news(self.doing):
                        news = True
                        yield name, data
                # A program that is silent needs no more than a look from time to time.
                silences = 0 if news else silences + 1
                if silences and (not stdout.seen or silences % CHECK_EVERY == 0):
                    self._require_keeper(path)
            except Unreachable as failure:
                patience.after(failure)
                continue
            patience.restore()
            if feed is not None:
                if stdout.seen:
                    feed.start()
                if feed.error is not None:
                    raise feed.error
            if news:
                pauses = iter(PAUSES)
            else:
                self.clock.sleep(next(pauses, PAUSES[-1]))
        self.exit_code = stdout.exit_code or 0

    @contextmanager
    def _session(self, folder: str) -> Iterator[None]:
        interrupted = True
        try:
            # Inside the block: without an answer, it may have been created nevertheless.
            try:
                self.toolbox.request(
                    "POST", "/process/session", self.doing, json={"sessionId": self.session}
                )
            except OperationFailed as error:
                # The answer to an earlier request was lost.
                if error.details.get("status") != TAKEN:
                    raise
            yield
            interrupted = False
        finally:
            with suppress(Os2Error):
                self._end(folder, interrupted=interrupted)

    def _end(self, folder: str, *, interrupted: bool) -> None:
        """End the session; wait a moment for the end of a program that is interrupted."""
        with apart(UNDO_SECONDS + INTERRUPT_SECONDS):
            self._end_session(folder, interrupted=interrupted)

    def _end_session(self, folder: str, *, interrupted: bool) -> None:
        self.toolbox.send("DELETE", self.path, self.doing, seconds=UNDO_SECONDS)
        if interrupted:
            deadline = time.monotonic() + INTERRUPT_SECONDS
            while time.monotonic() < deadline:
                self.toolbox.send(
                    "GET",
                    "/files/info",
                    self.doing,
                    params={"path": folder},
                    seconds=UNDO_SECONDS,
                )
                # Not the clock's pause, which a cancellation ends.
                time.sleep(PAUSES[1])

    def _start(self, script: str) -> str:
        """Start the keeper, once, and return its command's id."""
        body = {"command": script, "runAsync": True, "suppressInputEcho": True}
        patience = Patience(self.toolbox)
        while True:
            try:
                answer = self.toolbox.json(
                    "POST", f"{self.path}/exec", self.doing, retry=False, json=body
                )
                command = answer.get("cmdId") or answer.get("commandId")
            except Unreachable as failure:
                patience.after(failure)
                commands = self.toolbox.json("GET", self.path, self.doing).get("commands")
                if not isinstance(commands, list) or not commands:
                    continue
                command = commands[0].get("id") if isinstance(commands[0], dict) else None
            if not isinstance(command, str):
                raise invalid_answer(self.doing, "cmdId is missing")
            return command

    def _require_keeper(self, path: str) -> None:
        """Raise ``OperationFailed`` if the keeper ended: it outlives the program."""
        code = self.toolbox.json("GET", path, self.doing).get("exitCode")
        if type(code) is int:
            words = last_lines(session_lines(self.toolbox, f"{path}/logs", self.doing), 1)
            reason = "".join(words).strip() or f"exit code {code}"
            raise OperationFailed(
                f"{self.doing} failed: {reason}",
                hint=f"check the machine's disk: os2 machine exec {self.toolbox.machine} -- df -h",
                code="execution_lost",
            )
