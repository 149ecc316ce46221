"""What ``machine rm`` and ``snapshot rm`` show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from os2cli.core.errors import NotFound, Os2Error, PartlyDone
from os2cli.core.models import MachineType, Removal
from os2cli.output import Output
from os2cli.output.documents.changes import RemovalList


@dataclass(frozen=True, slots=True)
class Kind:
    """The words for what is removed, and the error code of a missing one."""

    one: str
    several: str
    listed_by: str
    missing_code: str


MACHINES = Kind("machine", "machines", "os2 machine list", "machine_not_found")
SNAPSHOTS = Kind(
    "image or snapshot", "images and snapshots", "os2 snapshot list", "snapshot_not_found"
)


def show_removals(
    output: Output,
    removals: Sequence[Removal],
    kind: Kind,
    *,
    missing_is_fine: bool,
    unread: Sequence[str] = (),
) -> None:
    """Show what became of each; raise if one still exists or never existed.

    ``unread`` is what could not be read, and may be one of those to remove.
    """
    bad = [r for r in removals if r.error or not (r.removed or missing_is_fine)]
    done = [r.name for r in removals if r.removed]

    def write_text() -> None:
        for name in done:
            output.line(f"removed {name}")
        if not removals:
            output.note(f"no {kind.several}")

    # With --json the error is the only document; it names every item.
    if not ((bad or unread) and output.invocation.json):
        output.result(RemovalList.of(removals), write_text, names=done)
    if bad:
        raise removal_error(bad, removals, kind)
    if unread:
        raise unread_error(unread, kind, _details(removals))


def _details(removals: Sequence[Removal]) -> Mapping[str, Any]:
    return {
        "items": [
            {"name": r.name, "outcome": r.outcome, "message": r.error and r.error.message}
            for r in removals
        ]
    }


def _reason(removal: Removal, kind: Kind) -> str:
    """Return why one was not removed; an error about its provider does not name it."""
    if removal.error is None:
        return f"{kind.one} {removal.name} not found"
    message = removal.error.message
    return message if removal.name in message else f"{removal.name}: {message}"


def removal_error(bad: Sequence[Removal], removals: Sequence[Removal], kind: Kind) -> Os2Error:
    """Return why something was not removed; ``details`` has the outcome of each."""
    reasons = [_reason(removal, kind) for removal in bad]
    message = "; ".join(reasons)
    details = _details(removals)
    first = next((r.error for r in bad if r.error), None)
    if len(bad) < len(removals):
        hint = first.hint if first else None
        return PartlyDone(
            f"{len(bad)} of {len(removals)} {kind.several} were not removed: {message}",
            hint=hint or f"list what is left: {kind.listed_by}",
            details=details,
        )
    if first is not None:
        return type(first)(message, hint=first.hint, code=first.code, details=details)
    return NotFound(
        message,
        hint=f"list the {kind.several}: {kind.listed_by}",
        code=kind.missing_code,
        details=details,
    )


def unread_error(
    unread: Sequence[str], kind: Kind, details: Mapping[str, Any] | None = None
) -> PartlyDone:
    """Return why a command that changes what it finds has not done so with all."""
    return PartlyDone(
        f"not all {kind.several} could be read, and these were left alone: {', '.join(unread)}",
        hint=f"run the command again when they can be; see what there is: {kind.listed_by}",
        details=details,
    )


def unlisted_error(failures: Mapping[MachineType, Os2Error], kind: Kind) -> PartlyDone:
    """Return why a command that removes what it finds has not seen all."""
    return PartlyDone(
        f"{kind.several} on {', '.join(sorted(failures))} could not be listed, and were left alone",
        hint=next((e.hint for e in failures.values() if e.hint), None) or "run the command again",
    )
