"""What ``machine prune`` shows."""

from __future__ import annotations

from collections.abc import Sequence

from os2cli.core.models import Removal
from os2cli.machines.fleet import Listing
from os2cli.machines.stale import Leftover
from os2cli.output import Output
from os2cli.output.documents.changes import PruneList
from os2cli.output.humanize import age
from os2cli.output.views.machines import warn_of_failures
from os2cli.output.views.removals import MACHINES, removal_error, unlisted_error, unread_error


def show_plan(
    output: Output, leftovers: Sequence[Leftover], listing: Listing, unread: Sequence[str]
) -> int:
    """Show what would be removed and why; return the exit code.

    ``unread`` is what could not be read, and may also be one of those to remove.
    """
    _result(output, leftovers, [None] * len(leftovers), f"{_count(leftovers)} would be removed")
    return _exit_code(output, listing, unread)


def show_pruned(
    output: Output,
    leftovers: Sequence[Leftover],
    removals: Sequence[Removal],
    listing: Listing,
    unread: Sequence[str],
) -> int:
    """Show what was removed; raise if something was not. Return the exit code."""
    failed = [removal for removal in removals if removal.error is not None]
    if not (failed and output.invocation.json):
        _result(
            output,
            leftovers,
            removals,
            f"removed {len(leftovers) - len(failed)} of {_count(leftovers)}"
            if failed
            else f"removed {_count(leftovers)}",
        )
    if failed:
        raise removal_error(failed, removals, MACHINES)
    return _exit_code(output, listing, unread)


def _exit_code(output: Output, listing: Listing, unread: Sequence[str]) -> int:
    warn_of_failures(output, listing)
    if listing.partial:
        error = unlisted_error(listing.failures, MACHINES)
    elif unread:
        error = unread_error(unread, MACHINES)
    else:
        return 0
    output.error(error, as_document=False)
    return error.exit_code


def _count(leftovers: Sequence[Leftover]) -> str:
    return f"{len(leftovers)} machine{'' if len(leftovers) == 1 else 's'}"


def _result(
    output: Output, leftovers: Sequence[Leftover], removals: Sequence[Removal | None], summary: str
) -> None:
    pairs = list(zip(leftovers, removals, strict=True))

    def write_text() -> None:
        if not leftovers:
            output.note("nothing to remove")
            return
        output.table(
            ("NAME", "TYPE", "STAGE", "CREATED", "WHY"),
            [
                (one.machine.name, one.machine.type, one.machine.stage, age(one.machine.created),
                 one.why)
                for one in leftovers
            ],
            dispensable=("STAGE", "TYPE", "CREATED"),
        )  # fmt: skip
        output.note(summary)

    removed = [one.machine.name for one, removal in pairs if removal is None or removal.removed]
    output.result(PruneList.of(pairs), write_text, names=removed)
