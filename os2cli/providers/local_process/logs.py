"""The logs of a machine and its services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from os2cli.core.models import LogRequest
from os2cli.providers.local_process.executions import Execution
from os2cli.providers.local_process.records import MachineFolder
from os2cli.providers.log_lines import split_lines
from os2cli.providers.service_log import lines_since, log_command, service_log

# Ends the time that the logger writes before each line.
TIME_END = "  "


def machine_log(program: Execution, folder: MachineFolder, request: LogRequest) -> Iterator[str]:
    """Yield the machine's log without the times."""
    command = log_command(request, str(folder.logs), str(folder.services))
    with closing(program.output(command)) as chunks:
        for line in lines_since(split_lines(chunks), request.since):
            yield line.partition(TIME_END)[2]


def log_of_service(
    program: Execution, folder: MachineFolder, machine: str, request: LogRequest
) -> Iterator[str]:
    """Return one service's log; raises ``NotFound`` if it has none."""
    places = (str(folder.logs), str(folder.services))
    return service_log(program, machine, request, *places)
