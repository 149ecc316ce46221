"""What ``machine rm`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from os2cli.errors import NotFound, Os2Error, PartlyDone
from os2cli.output import Output

if TYPE_CHECKING:
    from pydantic import BaseModel

    from os2cli.machines import Removal


def show_removals(output: Output, removals: Sequence[Removal], *, missing_is_fine: bool) -> None:
    """Say what became of each machine; raises when one is not gone, or was never there."""
    bad = [r for r in removals if r.error or not (r.removed or missing_is_fine)]
    done = [r.name for r in removals if r.removed]

    def document() -> BaseModel:
        from os2cli.documents.machines import RemovalItem, RemovalList

        return RemovalList([RemovalItem.of(removal) for removal in removals])

    def human() -> None:
        for name in done:
            output.line(f"removed {name}")
        if not removals:
            output.note("there were no machines")

    # With --json the error is the one document; it names every machine.
    if not (bad and output.invocation.json):
        output.result(document, names=done, human=human)
    if bad:
        raise removal_error(bad, removals)


def removal_error(bad: Sequence[Removal], removals: Sequence[Removal]) -> Os2Error:
    reasons = [r.error.message if r.error else f"there is no machine named {r.name}" for r in bad]
    message = "; ".join(reasons)
    details = {"items": [{"name": r.name, "outcome": r.outcome} for r in removals]}
    if len(bad) < len(removals):
        message = f"{len(bad)} of {len(removals)} machines were not removed: {message}"
        return PartlyDone(
            message, hint="os2 machine list shows what is still there", details=details
        )
    first = bad[0].error
    if first is not None:
        return type(first)(message, hint=first.hint, code=first.code, details=details)
    return NotFound(
        message,
        hint="os2 machine list shows those that exist",
        code="machine_not_found",
        details=details,
    )
