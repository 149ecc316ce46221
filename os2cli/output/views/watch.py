"""What ``machine list --watch`` shows: the table as it is now, or each change."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from os2cli.core.models import Machine, MachineType
from os2cli.machines.fleet import Listing
from os2cli.output import Output
from os2cli.output.documents.machines import MachineEvent, WatchedMachineDocument
from os2cli.output.views.machines import row_of

_Key = tuple[str, str, str]


def watch_machines(
    output: Output,
    listing: Listing,
    look: Callable[[], Listing],
    columns: Sequence[str],
    seconds: float,
) -> NoReturn:
    """Show a listing and refresh it until a signal ends the command.

    A terminal shows one table, which is updated. Elsewhere every change is one line, with
    ``--json`` one document on a line, whose ``event`` is ``added``, ``changed`` or ``removed``.
    """
    if output.stdout.isatty() and not (output.invocation.json or output.invocation.quiet):
        # It imports Rich, which costs more than a list that is written once.
        from os2cli.output.views.live import redraw

        redraw(output, listing, look, columns, seconds)
    known: dict[_Key, Machine] = {}
    silent: set[MachineType] = set()
    while True:
        for type_, error in listing.failures.items():
            if type_ not in silent:
                output.warn(f"cannot list machines on {type_}: {error.message}", error.hint)
        silent = set(listing.failures)
        now = {key: machine for key, machine in known.items() if key[0] in listing.failures} | {
            (m.type, m.stage, m.name): m for m in listing.machines
        }
        for event, machine in changes(known, now):
            _tell(output, event, machine, columns)
        known = now
        output.stdout.flush()
        time.sleep(seconds)
        listing = look()


def changes(
    before: Mapping[_Key, Machine], now: Mapping[_Key, Machine]
) -> list[tuple[MachineEvent, Machine]]:
    """Return what is new, different or gone."""
    events: list[tuple[MachineEvent, Machine]] = []
    for key, machine in now.items():
        if key not in before:
            events.append(("added", machine))
        elif before[key] != machine:
            events.append(("changed", machine))
    events.extend(("removed", before[key]) for key in before if key not in now)
    return events


def _tell(output: Output, event: MachineEvent, machine: Machine, columns: Sequence[str]) -> None:
    if output.invocation.json:
        output.document(WatchedMachineDocument.of_event(event, machine), indent=None)
    elif output.invocation.quiet:
        output.name(machine.name)
    else:
        output.line("  ".join((event.ljust(7), *row_of(machine, columns))))
