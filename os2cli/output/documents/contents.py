"""The document of ``snapshot show``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from os2cli.output.documents.inventory import EntryDocument
from os2cli.snapshots.contents import Contents, Package
from os2cli.snapshots.inventory import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageDocument:
    """A package in an image; ``source`` is ``debian``, ``npm`` or ``tool``."""

    source: str
    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentsDocument:
    """The distribution of an image, its tools and its packages."""

    os: str | None
    tools: list[PackageDocument]
    packages: list[PackageDocument]

    @classmethod
    def of(cls, contents: Contents) -> ContentsDocument:
        """Describe contents."""
        tools, packages = _listed(contents.tools), _listed(contents.packages)
        return cls(os=contents.os, tools=tools, packages=packages)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDetails(EntryDocument):
    """``snapshot show``: an image or a snapshot, and what it holds; None if that is not known."""

    contents: ContentsDocument | None

    @classmethod
    def with_contents(cls, entry: Entry, contents: Contents | None) -> EntryDetails:
        """Describe an entry and its contents."""
        known = EntryDocument.of(entry)
        values = {field.name: getattr(known, field.name) for field in fields(known)}
        return cls(**values, contents=ContentsDocument.of(contents) if contents else None)


def _listed(packages: Iterable[Package]) -> list[PackageDocument]:
    return [PackageDocument(source=p.source, name=p.name, version=p.version) for p in packages]
