"""The lines that a machine and its services wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from os2cli.core.models import LogRequest
from os2cli.providers.local_process.executions import Execution
from os2cli.providers.local_process.records import MachineFolder
from os2cli.providers.service_log import lines_since, log_command, service_log, split_lines

# Behind the time that the logger puts in front of each line.
TIME_END = "  "


def machine_log(program: Execution, folder: MachineFolder, request: LogRequest) -> Iterator[str]:
    """What the machine wrote, without the times."""
    command = log_command(request, str(folder.logs), str(folder.services))
    with closing(program.output(command)) as chunks:
        for line in lines_since(split_lines(chunks), request.since):
            yield line.partition(TIME_END)[2]


def log_of_service(
    program: Execution, folder: MachineFolder, machine: str, request: LogRequest
) -> Iterator[str]:
    """What one service wrote; raises ``NotFound`` when it has no log."""
    places = (str(folder.logs), str(folder.services))
    return service_log(program, machine, request, *places)
