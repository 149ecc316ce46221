"""The log of one service: the command that reads it in a machine, and the lines of a request.

Every service with a logger has a folder of its name, or the one in its ``metadata.json``, with
``current`` and older files whose names sort by age. Each line begins with its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime

from os2cli.core.errors import NotFound, OperationFailed
from os2cli.core.models import Command, LogRequest
from os2cli.providers.execution import Readable
from os2cli.providers.log_lines import split_lines

LOG_FOLDER, SCAN_FOLDER = "/var/log", "/run/os2/services"
NO_LOG_CODE = 66

# $1 logs, $2 services, $3 the service, $4 how many lines, $5 whether to follow
_READ = r"""
folder="$(sed -n 's/.*"logDirectory" *: *"\([^"]*\)".*/\1/p' "$2/$3/metadata.json" 2>/dev/null)"
folder="${folder#/var/log/}"
if ! cd "$1" || ! cd "${folder:-$3}" 2>/dev/null || [ ! -f current ]; then
    for found in "$2"/*/log; do
        service="${found%/log}"
        [ -d "$found" ] && echo "${service##*/}" >&2
    done
    exit 66
fi
if [ "$5" = once ]; then
    cat @* current 2>/dev/null | if [ "$4" = all ]; then cat; else tail -n "$4"; fi
elif [ "$4" = all ]; then
    cat @* 2>/dev/null
    exec tail -n +1 -F current 2>/dev/null
else
    exec tail -n "$4" -F current 2>/dev/null
fi
"""


def log_command(
    request: LogRequest, logs: str = LOG_FOLDER, services: str = SCAN_FOLDER
) -> Command:
    """Return the command whose stdout is the log.

    Without a log it exits with 66 and lists the services that have one on stderr.
    """
    lines = "all" if request.tail is None else str(request.tail)
    mode = "follow" if request.follow else "once"
    return Command(("sh", "-c", _READ, "sh", logs, services, request.service or "", lines, mode))


def service_log(
    execution: Readable,
    machine: str,
    request: LogRequest,
    logs: str = LOG_FOLDER,
    services: str = SCAN_FOLDER,
) -> Iterator[str]:
    """Yield the requested lines.

    Raises:
        NotFound: the service has no log.
        OperationFailed: reading it failed.
    """
    with closing(execution.output(log_command(request, logs, services))) as chunks:
        yield from lines_since(split_lines(chunks), request.since)
    if execution.exit_code == NO_LOG_CODE:
        services = execution.stderr.decode(errors="replace")
        raise log_not_found(machine, request.service or "", services)
    if execution.exit_code and not request.follow:
        raise OperationFailed(
            f"reading the log of service {request.service} in machine {machine} stopped early",
            hint=f"check that the machine is still running: os2 machine show {machine}",
            code="log_unreadable",
        )


def lines_since(lines: Iterable[str], since: datetime | None) -> Iterator[str]:
    """Yield the lines from ``since`` on; a line without a time belongs to the one before it."""
    recent = since is None
    for line in lines:
        moment = time_of(line) if since is not None else None
        if since is not None and moment is not None:
            recent = moment >= since
        if recent:
            yield line


def time_of(line: str) -> datetime | None:
    """Return the time at the start of a line, in UTC; None if it has none."""
    first = line[:100].split(" ", 2)[:2]
    for text in (" ".join(first), first[0]):
        # The logger writes nanoseconds; datetime takes microseconds.
        whole, dot, fraction = text.partition(".")
        try:
            moment = datetime.fromisoformat(f"{whole}{dot}{fraction[:6]}" if dot else whole)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        # OverflowError: out of datetime's range.
        except (ValueError, OverflowError):
            continue
    return None


def log_not_found(machine: str, service: str, others: str) -> NotFound:
    """Return the error for a service that keeps no log."""
    names = ", ".join(others.split())
    return NotFound(
        f"machine {machine} has no log of a service {service}",
        hint=f"services with a log: {names}; the others write to the machine's log"
        if names
        else f"read the machine's log: os2 machine logs {machine}",
        code="service_log_not_found",
    )
