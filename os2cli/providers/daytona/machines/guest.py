"""What is read and written inside a sandbox: its logs and its files."""

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
    """One sandbox that runs, from within."""

    def __init__(self, toolbox: Toolbox, machine: str, clock: Clock) -> None:
        self.toolbox = toolbox
        self.machine = machine
        self.clock = clock

    def log(self, request: LogRequest) -> Iterator[str]:
        """Lines of the entrypoint; raises ``UsageError`` for ``since``: Daytona tells no times."""
        if request.since is not None:
            raise UsageError(
                "--since needs times, which Daytona does not tell of a machine's own log",
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
        """What is written from now on, until the machine does not run any more."""
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
            # An answer may be older than the one before.
            if not before.startswith(text):
                # What does not go on from before is the log of another start.
                yield from _lines_of(text.removeprefix(before))
                before = text

    def log_tail(self, lines: int) -> tuple[str, ...]:
        """Its last lines, for which nobody waits long."""
        text = self._entrypoint_log(FAST.answer_seconds)
        return tuple(_lines_of(text)[-lines:])

    def _entrypoint_log(self, seconds: float = REQUEST_SECONDS) -> str:
        """All that it has written so far."""
        doing = f"reading the log of machine {self.machine}"
        answer = self.toolbox.request("GET", ENTRYPOINT_LOG, doing, timeout=seconds)
        return self.toolbox.client.redact(_written(answer, doing))

    def service_log(self, request: LogRequest) -> Iterator[str]:
        """Lines of a service's log."""
        doing = f"reading the log of service {request.service}"
        execution = Execution(self.toolbox, doing, self.clock)
        try:
            yield from service_log(execution, self.machine, request)
        except Conflict:
            # Who follows it gets all until the machine's end.
            if not request.follow:
                raise

    def unpack(self, archive: BinaryIO, folder: str) -> None:
        """Upload a tar and unpack it."""
        doing = f"copying to machine {self.machine}"
        path = temporary_path()
        try:
            self.toolbox.upload(archive, path, doing)
            # The last word of the command is the folder, hence the tar by its name.
            unpack = [path if word == "-" else word for word in UNPACK]
            code, said = self._run(Command((*unpack, folder)), doing)
            if code != 0:
                raise copy_error(self.machine, folder, said)
        finally:
            self.toolbox.forget(path)

    def packed(self, path: str) -> Iterator[bytes]:
        """Pack a tar and download it."""
        doing = f"copying from machine {self.machine}"
        archive = temporary_path()
        script = f'exec "$@" > {archive}'
        try:
            code, said = self._run(Command(("sh", "-c", script, "sh", *packing(path).argv)), doing)
            if code != 0:
                raise copy_error(self.machine, path, said)
            with self.toolbox.download(archive, doing) as pieces:
                yield from pieces
        finally:
            self.toolbox.forget(archive)

    def _run(self, command: Command, doing: str) -> tuple[int, bytes]:
        """Its exit code and what it wrote to stderr."""
        said = io.BytesIO()
        code = Execution(self.toolbox, doing, self.clock).run(command, Streams(io.BytesIO(), said))
        return code, said.getvalue()


def _whole_lines(text: str) -> str:
    return text[: text.rfind("\n") + 1]


def _lines_of(text: str) -> list[str]:
    # Not `splitlines`, which also splits at characters that a line may hold.
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
    """A file in the sandbox under an unguessable name."""
    return f"/tmp/os2-{uuid.uuid4().hex}"  # noqa: S108
