"""What ``snapshot list``, ``show``, ``prune`` and ``resolve`` show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from os2cli.core.errors import PartlyDone
from os2cli.core.models import SnapshotState
from os2cli.output import Output
from os2cli.output.documents.contents import EntryDetails
from os2cli.output.documents.document import Document
from os2cli.output.documents.inventory import (
    EntryList,
    PartialEntryList,
    ReadyDocument,
)
from os2cli.output.humanize import age, size
from os2cli.snapshots.catalog import CatalogItem
from os2cli.snapshots.contents import Contents
from os2cli.snapshots.inventory import Entry, InventoryListing
from os2cli.snapshots.pruning import Verdict
from os2cli.snapshots.resolution import Candidate, Resolution

KEY_DIGITS = 12


def show_inventory(
    output: Output,
    listing: InventoryListing,
    entries: Sequence[Entry],
    stage: str | None,
    left_out: Sequence[str],
) -> int:
    """Show images and snapshots, one per row; return the exit code.

    ``entries`` are those of the listing in the order to show; ``stage`` is the one listed;
    ``left_out`` are those that cannot be read: a warning before, which a document replaces.
    """
    partial = bool(listing.partial or (left_out and output.invocation.json))
    document: Document | Sequence[Document] = EntryList.of(entries)
    if partial:
        document = PartialEntryList.of(listing, entries, left_out)

    def write_text() -> None:
        if entries:
            _show_table(output, entries)
        elif not partial:
            output.note("no images or snapshots yet; to build one: os2 snapshot local-docker")

    output.result(document, write_text, names=[entry.item.name for entry in entries])
    if listing.elsewhere and stage is not None:
        others = "snapshot" if listing.elsewhere == 1 else "snapshots"
        output.note(f"{listing.elsewhere} {others} of other stages: os2 snapshot list --all-stages")
    warn_of_failures(output, listing)
    return PartlyDone.exit_code if partial else 0


def warn_of_failures(output: Output, listing: InventoryListing) -> None:
    """Warn of the providers that did not answer."""
    for type_, error in listing.failures.items():
        output.warn(f"cannot list images and snapshots on {type_}: {error.message}", error.hint)


def _show_table(output: Output, entries: Sequence[Entry]) -> None:
    output.table(
        ("NAME", "TYPE", "STAGE", "STATE", "SIZE", "CREATED", "KEY", "USED BY"),
        [(*_row(entry.item), str(len(entry.users) or "-")) for entry in entries],
        dispensable=("KEY", "STAGE", "TYPE", "CREATED"),
    )


def _row(item: CatalogItem) -> tuple[str, ...]:
    return (
        item.name,
        item.type,
        item.stage or "-",
        state_of(item),
        size(item.size_bytes) if item.size_bytes else "-",
        age(item.created),
        (item.key or "-")[:KEY_DIGITS],
    )


def state_of(item: CatalogItem) -> str:
    """Return the state; ``untagged`` for an image without a name, ``left over`` for a push's."""
    if item.left_over:
        return "left over"
    return "untagged" if item.untagged else item.state.value


def show_entry(output: Output, entry: Entry, contents: Contents | None) -> None:
    """Show one image or snapshot and what it holds, one property per line; -v adds packages."""

    def write_text() -> None:
        details = _details(entry) + (_held(contents) if contents else [])
        if contents and output.invocation.verbose:
            details += [(p.source, f"{p.name} {p.version}") for p in contents.packages]
        for label, value in details:
            output.line(f"{label:<12}{value}")

    document = EntryDetails.with_contents(entry, contents)
    output.result(document, write_text, names=[entry.item.name])


def _held(contents: Contents) -> list[tuple[str, str]]:
    counts = Counter(package.source for package in contents.packages)
    numbers = ", ".join(f"{count} from {source}" for source, count in counts.items())
    return [
        ("os", contents.os or "-"),
        *(("tool", f"{tool.name} {tool.version}") for tool in contents.tools),
        ("packages", f"{numbers}; to list them: -v" if numbers else "-"),
    ]


def _details(entry: Entry) -> list[tuple[str, str]]:
    item, resources = entry.item, entry.item.resources
    created = f"{item.created:%Y-%m-%d %H:%M:%S} UTC ({age(item.created)})"
    return [
        ("name", item.name),
        ("type", item.type),
        *([("stage", item.stage)] if item.stage else []),
        ("state", state_of(item)),
        *([("reason", item.reason)] if item.reason else []),
        ("size", size(item.size_bytes) if item.size_bytes else "-"),
        *(
            [
                ("cpu", str(resources.cpu)),
                ("memory", f"{resources.memory_gib} GiB"),
                ("disk", f"{resources.disk_gib} GiB"),
            ]
            if resources
            else []
        ),
        ("created", created),
        ("key", item.key or "-"),
        ("id", item.id),
        *([("repository", item.repository)] if item.repository else []),
        *([("base", item.base)] if item.base else []),
        *(("machine", name) for name in entry.users),
    ]


def show_plan(output: Output, plan: Sequence[Verdict], *, staying: bool) -> None:
    """Show what a prune would remove and why; with ``staying`` also what it would keep."""
    shown = [verdict for verdict in plan if verdict.goes or staying]
    if not shown:
        return
    output.table(
        ("NAME", "", "WHY", "STATE", "SIZE", "CREATED"),
        [_plan_row(verdict) for verdict in shown],
        dispensable=("CREATED", "SIZE", "STATE"),
    )


def note_plan(output: Output, plan: Sequence[Verdict], *, staying: bool) -> None:
    """Show the plan of a prune on stderr before it is carried out."""
    for verdict in plan:
        if verdict.goes or staying:
            name, verb, why, state, bytes_, created = _plan_row(verdict)
            output.note(f"{verb} {name}: {why} ({state}, {bytes_}, {created})")


def _plan_row(verdict: Verdict) -> tuple[str, ...]:
    name, _, _, state, bytes_, created, _ = _row(verdict.item)
    return name, "remove" if verdict.goes else "keep", verdict.reason, state, bytes_, created


def total_size(items: Sequence[CatalogItem]) -> str:
    """Return the size of all items; layers that they share count for each."""
    return size(sum(item.size_bytes or 0 for item in items))


def show_candidates(output: Output, resolution: Resolution) -> None:
    """Show every candidate, newest first, with its verdict."""
    stage = resolution.stage
    output.note(f"stage {stage.name} (from {stage.origin}), prefix {stage.prefix}")
    if not resolution.candidates:
        output.note("no snapshot on Daytona has this prefix")
        return
    output.table(
        ("SNAPSHOT", "VERDICT", "STATE", "CREATED"),
        [
            (c.snapshot.name, _verdict(c), c.snapshot.state.value, age(c.snapshot.created))
            for c in resolution.candidates
        ],
        dispensable=("STATE", "CREATED"),
    )


def _verdict(candidate: Candidate) -> str:
    reason = candidate.snapshot.reason
    return f"{candidate.verdict.value}: {reason}" if reason else candidate.verdict.value


def show_state(output: Output, name: str, state: SnapshotState, *, changed: bool) -> None:
    """Show the state of a snapshot, and whether this call activated it."""
    output.result(
        ReadyDocument(name=name, state=state.value, changed=changed),
        lambda: output.line(f"{name}  {state.value}"),
        names=[name],
    )
