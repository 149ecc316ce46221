"""The documents of the ``snapshot`` commands over images and snapshots alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from os2cli.core.models import Removal, SnapshotResources
from os2cli.output.documents.document import Document
from os2cli.output.documents.errors import FailureDocument
from os2cli.snapshots.context import BuildContext, SuspiciousFile
from os2cli.snapshots.inventory import Entry, InventoryListing
from os2cli.snapshots.pruning import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesDocument:
    """The resources of every machine created from a snapshot."""

    cpu: int
    memory_gib: int
    disk_gib: int

    @classmethod
    def of(cls, resources: SnapshotResources) -> ResourcesDocument:
        """Describe resources."""
        return cls(cpu=resources.cpu, memory_gib=resources.memory_gib, disk_gib=resources.disk_gib)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDocument(Document):
    """An image or a snapshot; ``snapshot list`` is an array.

    ``repository`` is the id of the repository it was built from, ``base`` the digest of the image
    it was built on; None if that is not known.
    """

    name: str
    type: str
    stage: str | None
    state: str
    untagged: bool
    size_bytes: int | None
    created: datetime
    key: str | None
    id: str
    repository: str | None
    base: str | None
    reason: str | None
    resources: ResourcesDocument | None
    machines: list[str]

    @classmethod
    def of(cls, entry: Entry) -> EntryDocument:
        """Describe an entry."""
        item = entry.item
        return cls(
            name=item.name,
            type=item.type,
            stage=item.stage,
            state=item.state.value,
            untagged=item.untagged,
            size_bytes=item.size_bytes,
            created=item.created,
            key=item.key,
            id=item.id,
            repository=item.repository,
            base=item.base,
            reason=item.reason,
            resources=ResourcesDocument.of(item.resources) if item.resources else None,
            machines=list(entry.users),
        )


class EntryList(list[EntryDocument]):
    """``snapshot list``: an array, empty if there is nothing."""

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> EntryList:
        """Describe entries."""
        return cls(EntryDocument.of(entry) for entry in entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialEntryList(Document):
    """``snapshot list`` if not all could be read: the others, exit code 7.

    ``failures`` are those of whole providers, ``left_out`` what one of them holds beside the list.
    """

    partial: Literal[True] = True
    snapshots: list[EntryDocument]
    failures: dict[str, FailureDocument]
    left_out: list[str]

    @classmethod
    def of(
        cls, listing: InventoryListing, entries: Iterable[Entry], left_out: Iterable[str] = ()
    ) -> PartialEntryList:
        """Describe a listing, with its entries in the requested order."""
        return cls(
            snapshots=EntryList.of(entries),
            failures={t: FailureDocument.of(e) for t, e in listing.failures.items()},
            left_out=list(left_out),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedDocument:
    """A prune's decision on one item; ``outcome`` is ``planned`` until it is removed."""

    name: str
    type: str
    stage: str | None
    state: str
    size_bytes: int | None
    created: datetime
    reason: str
    outcome: str
    message: str | None = None

    @classmethod
    def of(cls, verdict: Verdict, outcome: str, message: str | None = None) -> JudgedDocument:
        """Describe a verdict."""
        item = verdict.item
        return cls(
            name=item.name,
            type=item.type,
            stage=item.stage,
            state=item.state.value,
            size_bytes=item.size_bytes,
            created=item.created,
            reason=verdict.reason,
            outcome=outcome,
            message=message,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneDocument(Document):
    """``snapshot prune``: what is removed, what is kept, why, and the outcome."""

    dry_run: bool
    partial: bool
    remove: list[JudgedDocument]
    keep: list[JudgedDocument]
    failures: dict[str, FailureDocument]

    @classmethod
    def of(
        cls, plan: Sequence[Verdict], removals: Sequence[Removal] | None, listing: InventoryListing
    ) -> PruneDocument:
        """Describe a plan; ``removals`` is None if nothing was removed yet."""
        goes = [verdict for verdict in plan if verdict.goes]
        outcomes = [
            (removal.outcome, removal.error.message if removal.error else None)
            for removal in removals or ()
        ] or [("planned", None)] * len(goes)
        return cls(
            dry_run=removals is None,
            partial=listing.partial,
            remove=[JudgedDocument.of(v, *o) for v, o in zip(goes, outcomes, strict=True)],
            keep=[JudgedDocument.of(v, "kept") for v in plan if not v.goes],
            failures={t: FailureDocument.of(e) for t, e in listing.failures.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyDocument(Document):
    """``snapshot wait`` and ``snapshot activate``; ``changed`` if this call activated it."""

    name: str
    state: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFile:
    """A file of the build context; ``secret`` is why it looks like a secret."""

    path: str
    size_bytes: int
    secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDocument(Document):
    """``snapshot context``: ``files`` are all, the largest first; links are only counted."""

    root: str
    dockerfile: str
    type: str
    files: list[ContextFile]
    file_count: int
    link_count: int
    size_bytes: int
    ignored_count: int
    secrets: list[str]
    not_kept: list[str]

    @classmethod
    def of(
        cls,
        context: BuildContext,
        type_: str,
        files: Sequence[tuple[str, int]],
        suspicious: Sequence[SuspiciousFile],
    ) -> ContextDocument:
        """Describe a build context and its ``files``, the largest first."""
        reasons = {file.path: file.reason for file in suspicious}
        kinds = [entry.kind.value for entry in context.entries]
        return cls(
            root=str(context.root),
            dockerfile=context.dockerfile,
            type=type_,
            files=[ContextFile(path=p, size_bytes=s, secret=reasons.get(p)) for p, s in files],
            file_count=kinds.count("file"),
            link_count=kinds.count("link"),
            size_bytes=context.size_bytes,
            ignored_count=context.ignored,
            secrets=[file.path for file in suspicious],
            not_kept=list(context.unkept),
        )
