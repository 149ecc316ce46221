"""What ``machine prune`` shows."""

from __future__ import annotations

from collections.abc import Sequence

from os2cli.core.errors import PartlyDone
from os2cli.core.models import Removal
from os2cli.machines.fleet import Listing
from os2cli.machines.stale import Leftover
from os2cli.output import Output
from os2cli.output.documents.changes import PruneList
from os2cli.output.humanize import age
from os2cli.output.views.machines import warn_of_failures
from os2cli.output.views.removals import MACHINES, removal_error


def show_plan(output: Output, found: Sequence[Leftover], listing: Listing) -> int:
    """What would go, and why; returns the exit status."""
    _result(output, found, [None] * len(found), f"would remove {len(found)}")
    warn_of_failures(output, listing)
    return PartlyDone.exit_code if listing.partial else 0


def show_pruned(
    output: Output, found: Sequence[Leftover], removals: Sequence[Removal], listing: Listing
) -> int:
    """What went; raises when something is still there. Returns the exit status."""
    failed = [removal for removal in removals if removal.error is not None]
    if not (failed and output.invocation.json):
        _result(output, found, removals, f"removed {len(found) - len(failed)}")
    if failed:
        raise removal_error(failed, removals, MACHINES)
    warn_of_failures(output, listing)
    return PartlyDone.exit_code if listing.partial else 0


def _result(
    output: Output, found: Sequence[Leftover], removals: Sequence[Removal | None], summary: str
) -> None:
    pairs = list(zip(found, removals, strict=True))

    def write_text() -> None:
        if not found:
            output.note("nothing is left over")
            return
        output.table(
            ("NAME", "TYPE", "STAGE", "CREATED", "WHY"),
            [
                (one.machine.name, one.machine.type, one.machine.stage, age(one.machine.created),
                 one.why)
                for one in found
            ],
            dispensable=("STAGE", "TYPE", "CREATED"),
        )  # fmt: skip
        output.note(summary)

    gone = [one.machine.name for one, removal in pairs if removal is None or removal.removed]
    output.result(PruneList.of(pairs), write_text, names=gone)
