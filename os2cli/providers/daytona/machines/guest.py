"""Logs and files of a guest: the inside of a sandbox."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from typing import BinaryIO

import httpx

from os2cli.core.clock import Clock
from os2cli.core.errors import Conflict, NotFound, Unreachable, UsageError
from os2cli.core.models import Command, LogRequest, Streams
from os2cli.providers.daytona.api.errors import invalid_answer, is_json
from os2cli.providers.daytona.api.retry import FAST
from os2cli.providers.daytona.machines.executions import SILENT_SECONDS, Execution
from os2cli.providers.daytona.machines.toolbox import REQUEST_SECONDS, Toolbox
from os2cli.providers.service_log import service_log, split_lines
from os2cli.providers.tar import UNPACK, copy_error, packing

ENTRYPOINT_LOG = "/process/session/entrypoint/logs"
FOLLOW_SECONDS = 1.0


class Guest:
    """The inside of one running sandbox."""

    def __init__(self, toolbox: Toolbox, machine: str, clock: Clock) -> None:
        self.toolbox = toolbox
        self.machine = machine
        self.clock = clock

    def log(self, request: LogRequest) -> Iterator[str]:
        """Yield lines of the entrypoint; raises ``UsageError`` for ``since``."""
        if request.since is not None:
            raise UsageError(
                "--since requires --service on Daytona, whose machine logs have no times",
                hint="use --tail N, or read a service's log: --service NAME",
                code="option_invalid",
            )
        return self._lines(request)

    def _lines(self, request: LogRequest) -> Iterator[str]:
        text = self._entrypoint_log()
        if request.follow:
            text = _whole_lines(text)
        lines = _lines_of(text)
        yield from lines if request.tail is None else lines[max(len(lines) - request.tail, 0) :]
        if request.follow:
            yield from self._following(text)

    def _following(self, before: str) -> Iterator[str]:
        """Yield new lines until the machine stops running."""
        answered = self.clock.now()
        while True:
            self.clock.sleep(FOLLOW_SECONDS)
            try:
                text = _whole_lines(self._entrypoint_log())
            except Unreachable:
                if self.clock.now() - answered >= SILENT_SECONDS:
                    raise
                continue
            except (Conflict, NotFound):
                return
            answered = self.clock.now()
            # An answer may be older than the previous one.
            if not before.startswith(text):
                # A log that does not continue the previous one is that of a new start.
                yield from _lines_of(text.removeprefix(before))
                before = text

    def log_tail(self, lines: int) -> tuple[str, ...]:
        """Return its last lines, with a short timeout."""
        text = self._entrypoint_log(FAST.answer_seconds)
        return tuple(_lines_of(text)[-lines:])

    def _entrypoint_log(self, seconds: float = REQUEST_SECONDS) -> str:
        """Return the log so far."""
        doing = f"reading the log of machine {self.machine}"
        answer = self.toolbox.request("GET", ENTRYPOINT_LOG, doing, timeout=seconds)
        return self.toolbox.client.redact(_written(answer, doing))

    def service_log(self, request: LogRequest) -> Iterator[str]:
        """Yield lines of a service's log."""
        doing = f"reading the log of service {request.service}"
        execution = Execution(self.toolbox, doing, self.clock)
        try:
            yield from service_log(execution, self.machine, request)
        except Conflict:
            # Following ends with the machine.
            if not request.follow:
                raise

    def unpack(self, archive: BinaryIO, folder: str) -> None:
        """Upload a tar and unpack it."""
        doing = f"copying to machine {self.machine}"
        path = temporary_path()
        try:
            self.toolbox.upload(archive, path, doing)
            # The command ends with the folder, so the tar is named instead of read from stdin.
            unpack = [path if word == "-" else word for word in UNPACK]
            code, stderr = self._run(Command((*unpack, folder)), doing)
            if code != 0:
                raise copy_error(self.machine, folder, stderr)
        finally:
            self.toolbox.forget(path)

    def packed(self, path: str) -> Iterator[bytes]:
        """Pack a tar and download it."""
        doing = f"copying from machine {self.machine}"
        archive = temporary_path()
        script = f'exec "$@" > {archive}'
        try:
            command = Command(("sh", "-c", script, "sh", *packing(path).argv))
            code, stderr = self._run(command, doing)
            if code != 0:
                raise copy_error(self.machine, path, stderr)
            with self.toolbox.download(archive, doing) as pieces:
                yield from pieces
        finally:
            self.toolbox.forget(archive)

    def _run(self, command: Command, doing: str) -> tuple[int, bytes]:
        """Run a command and return its exit code and stderr."""
        execution, stderr = Execution(self.toolbox, doing, self.clock), io.BytesIO()
        return execution.run(command, Streams(io.BytesIO(), stderr)), stderr.getvalue()


def _whole_lines(text: str) -> str:
    return text[: text.rfind("\n") + 1]


def _lines_of(text: str) -> list[str]:
    # Not `splitlines`, which also splits at characters other than line feeds.
    return list(split_lines([text.encode()]))


def _written(answer: httpx.Response, doing: str) -> str:
    if not is_json(answer):
        return answer.text
    try:
        data = answer.json()
    except ValueError as error:
        raise invalid_answer(doing, "it is not JSON") from error
    if not isinstance(data, dict):
        return ""
    return str(data.get("output") or f"{data.get('stdout') or ''}{data.get('stderr') or ''}")


def temporary_path() -> str:
    """Return the path of a file in the sandbox with an unguessable name."""
    return f"/tmp/os2-{uuid.uuid4().hex}"  # noqa: S108
