"""What ``machine start``, ``stop``, ``restart`` and ``archive`` show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from os2cli.core.errors import Os2Error, PartlyDone
from os2cli.core.models import MachineState
from os2cli.machines.states import Change
from os2cli.output import Output
from os2cli.output.documents.changes import ChangeList
from os2cli.output.views.removals import MACHINES, unread_error


def show_changes(output: Output, changes: Sequence[Change], unread: Sequence[str] = ()) -> None:
    """Show what became of each machine; raise if one failed, or could not be read."""
    failed = [change for change in changes if change.error is not None]
    done = [change for change in changes if change.error is None]

    def write_text() -> None:
        for change in done:
            output.line(_line(change))
        if not changes:
            output.note("no machines")

    # With --json the error is the only document; it names every machine.
    if not ((failed or unread) and output.invocation.json):
        output.result(ChangeList.of(changes), write_text, names=[change.name for change in done])
    if failed:
        raise _failure(failed, changes)
    if unread:
        raise unread_error(unread, MACHINES, _details(changes))


def _details(changes: Sequence[Change]) -> Mapping[str, Any]:
    return {"items": [{"name": c.name, "outcome": c.outcome} for c in changes]}


def _line(change: Change) -> str:
    machine = change.machine
    if machine is None:
        return f"{change.outcome} {change.name}"
    runs = machine.state is MachineState.RUNNING
    where = f"  {machine.url}" if runs and machine.url else ""
    if change.outcome == "unchanged":
        state = "archived" if machine.archived else machine.state.value
        return f"{change.name} is already {state}{where}"
    return f"{change.outcome} {change.name}{where}"


def _failure(failed: Sequence[Change], changes: Sequence[Change]) -> Os2Error:
    errors = [change.error for change in failed if change.error is not None]
    message = "; ".join(error.message for error in errors)
    details = _details(changes)
    first = errors[0]
    if len(failed) < len(changes):
        message = f"{len(failed)} of {len(changes)} machines failed: {message}"
        hint = first.hint or "list their states: os2 machine list"
        return PartlyDone(message, hint=hint, details=details)
    return type(first)(
        message, hint=first.hint, code=first.code, details=details, log_tail=first.log_tail
    )
