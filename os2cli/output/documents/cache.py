"""The documents of the ``cache`` commands."""

from __future__ import annotations

from dataclasses import dataclass

from os2cli.output.documents.document import Document
from os2cli.snapshots.cache import SnapshotCache


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntryDocument:
    """One cached resolution; ``account`` distinguishes API keys without revealing them."""

    prefix: str
    name: str
    id: str
    account: str
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheDocument(Document):
    """``cache show``."""

    folder: str
    keep_seconds: float
    entries: list[CacheEntryDocument]

    @classmethod
    def of(cls, cache: SnapshotCache) -> CacheDocument:
        """Describe the cache as it is now."""
        return cls(
            folder=str(cache.folder),
            keep_seconds=cache.keep_seconds,
            entries=[
                CacheEntryDocument(
                    prefix=entry.prefix,
                    name=entry.snapshot.name,
                    id=entry.snapshot.id,
                    account=entry.account,
                    seconds_left=round(entry.seconds_left, 1),
                )
                for entry in cache.entries()
            ],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedDocument(Document):
    """``cache clear``: how many resolutions were removed."""

    cleared: int
