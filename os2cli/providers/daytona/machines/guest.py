"""Logs and files of a guest: the inside of a sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from os2cli.core.clock import Clock
from os2cli.core.errors import Conflict, NotFound, UsageError
from os2cli.core.models import LogRequest
from os2cli.machines.tarball import Packed
from os2cli.providers.daytona.api.retry import FAST
from os2cli.providers.daytona.machines.entrypoint_log import EntrypointLog
from os2cli.providers.daytona.machines.executions import Execution
from os2cli.providers.daytona.machines.toolbox import Toolbox
from os2cli.providers.service_log import service_log
from os2cli.providers.tar import pack, unpack


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
        return EntrypointLog(self.toolbox).lines(request)

    def log_tail(self, lines: int) -> tuple[str, ...]:
        """Return the entrypoint's last lines, with a short timeout."""
        return EntrypointLog(self.toolbox).tail(lines, FAST.answer_seconds)

    def service_log(self, request: LogRequest) -> Iterator[str]:
        """Yield lines of a service's log."""
        execution = self._execution(f"reading the log of service {request.service}")
        try:
            yield from service_log(execution, self.machine, request)
        except (Conflict, NotFound) as error:
            # Following ends with the machine.
            if not request.follow or error.code == "service_log_not_found":
                raise

    def unpack(self, archive: BinaryIO, folder: str) -> None:
        """Unpack a tar into a folder."""
        execution = self._execution(f"copying to machine {self.machine}")
        unpack(execution, self.machine, archive, folder)

    def packed(self, path: str) -> Packed:
        """Yield a tar of a file or folder."""
        return pack(self._execution(f"copying from machine {self.machine}"), self.machine, path)

    def _execution(self, doing: str) -> Execution:
        return Execution(self.toolbox, doing, self.clock)
