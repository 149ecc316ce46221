"""What ``machine stats`` shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from os2cli.core.errors import PartlyDone
from os2cli.core.limits import Usage, binary_size
from os2cli.machines.usage import Reading
from os2cli.output import Output
from os2cli.output.documents.encoding import to_json
from os2cli.output.documents.usage import UsageDocument, UsageList
from os2cli.output.table import table_lines

COLUMNS = ("NAME", "CPU", "MEMORY", "PROCESSES", "DISK", "TYPE")
DISPENSABLE = ("TYPE", "DISK")


def show_usage(output: Output, readings: Sequence[Reading]) -> int:
    """Show a row for each machine, and why one could not be read; return the exit code.

    Raises the error of the only machine.
    """
    failed = [reading.error for reading in readings if reading.error]
    if failed and len(readings) == 1:
        raise failed[0]
    output.result(
        UsageList.of(readings),
        lambda: _write_table(output, readings),
        names=[reading.name for reading in readings if not reading.error],
    )
    for error in failed:
        output.warn(error.message, error.hint)
    return PartlyDone.exit_code if failed else 0


def watch_usage(output: Output, look: Callable[[], Sequence[Reading]], seconds: float) -> NoReturn:
    """Show the readings and refresh them until a signal ends the command.

    A terminal shows one table, which is updated; elsewhere each round is a table, with ``--json`` a
    document on a line for each machine.
    """
    if output.stdout.isatty() and not (output.invocation.json or output.invocation.quiet):
        # It imports Rich, which costs more than what is written once.
        from os2cli.output.views.live import redraw_lines

        redraw_lines(output, lambda: _drawn(look(), output.width), seconds)
    while True:
        readings = look()
        if output.invocation.json:
            for reading in readings:
                output.line(to_json(UsageDocument.of(reading)))
        elif output.invocation.quiet:
            for reading in readings:
                output.line(reading.name)
        else:
            _write_table(output, readings)
            for problem in _problems(readings):
                output.line(problem)
        output.stdout.flush()
        time.sleep(seconds)


def _drawn(readings: Sequence[Reading], width: int | None) -> tuple[list[str], list[str]]:
    rows = usage_rows(readings)
    lines = table_lines(COLUMNS, rows, dispensable=DISPENSABLE, width=width)
    return (lines if rows else ["no machine runs"]), _problems(readings)


def _problems(readings: Sequence[Reading]) -> list[str]:
    return [f"not known: {reading.error.message}" for reading in readings if reading.error]


def usage_row(reading: Reading) -> tuple[str, ...]:
    """Return the cells of a machine."""
    usage = reading.usage or Usage()
    limits = usage.limits
    cpu = "-" if usage.cpu_percent is None else f"{usage.cpu_percent:.0f} %"
    return (
        reading.name,
        _with_limit(cpu, limits.cpus and f"{limits.cpus:g} CPUs"),
        _with_limit(_size(usage.memory_bytes), limits.memory_bytes and _size(limits.memory_bytes)),
        _with_limit(_number(usage.processes), limits.processes and _number(limits.processes)),
        _with_limit(_size(usage.disk_bytes), limits.disk_bytes and _size(limits.disk_bytes)),
        reading.machine.type if reading.machine else "-",
    )


def usage_rows(readings: Sequence[Reading]) -> list[tuple[str, ...]]:
    """Return the rows of the machines that could be read."""
    return [usage_row(reading) for reading in readings if not reading.error]


def _with_limit(used: str, limit: str | float | None) -> str:
    return f"{used} / {limit}" if limit else used


def _size(count: int | None) -> str:
    return "-" if count is None else binary_size(count)


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)


def _write_table(output: Output, readings: Sequence[Reading]) -> None:
    if rows := usage_rows(readings):
        output.table(COLUMNS, rows, dispensable=DISPENSABLE)
    elif not readings:
        output.note("no machine runs; to see all: os2 machine list")
