"""The documents of the ``snapshot`` and ``cache`` commands."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from os2cli.core.models import Image
from os2cli.core.stage import Stage
from os2cli.output.documents.document import Document
from os2cli.snapshots.cache import SnapshotCache
from os2cli.snapshots.publishing import Publication
from os2cli.snapshots.resolution import Resolution


class ImageDocument(Document):
    """``snapshot local-docker``: the image and whether this call built it."""

    name: str
    id: str
    key: str | None
    created: datetime
    size_bytes: int
    built: bool
    seconds: float

    @classmethod
    def of(cls, image: Image, *, built: bool, seconds: float) -> ImageDocument:
        """The document of an image."""
        return cls(
            name=image.reference,
            id=image.id,
            key=image.key,
            created=image.created,
            size_bytes=image.size_bytes,
            built=built,
            seconds=round(seconds, 3),
        )


class SnapshotDocument(Document):
    """``snapshot daytona``: the snapshot and whether this call had it made."""

    name: str
    id: str
    stage: str
    state: str
    key: str | None
    created: datetime
    size_bytes: int | None
    published: bool
    seconds: float

    @classmethod
    def of(cls, publication: Publication, stage: Stage) -> SnapshotDocument:
        """The document of a publication."""
        snapshot = publication.snapshot
        return cls(
            name=snapshot.name,
            id=snapshot.id,
            stage=stage.name,
            state=snapshot.state.value,
            key=snapshot.key,
            created=snapshot.created,
            size_bytes=snapshot.size_bytes,
            published=publication.published,
            seconds=round(publication.seconds, 3),
        )


class CandidateDocument(BaseModel):
    """A snapshot that was looked at, and the verdict on it."""

    name: str
    id: str
    state: str
    created: datetime
    verdict: str
    reason: str | None


class ResolutionDocument(Document):
    """``snapshot resolve``: the stage's newest active snapshot.

    ``candidates`` is empty when the answer was cached, else what had to be looked at.
    """

    name: str | None
    id: str | None
    stage: str
    prefix: str
    cached: bool
    candidates: list[CandidateDocument]

    @classmethod
    def of(cls, resolution: Resolution) -> ResolutionDocument:
        """The document of a resolution."""
        return cls(
            name=resolution.name,
            id=resolution.id,
            stage=resolution.stage.name,
            prefix=resolution.stage.prefix,
            cached=resolution.cached,
            candidates=[
                CandidateDocument(
                    name=candidate.snapshot.name,
                    id=candidate.snapshot.id,
                    state=candidate.snapshot.state.value,
                    created=candidate.snapshot.created,
                    verdict=candidate.verdict.value,
                    reason=candidate.snapshot.reason,
                )
                for candidate in resolution.candidates
            ],
        )


class CacheEntryDocument(BaseModel):
    """One cached resolution; ``account`` tells keys apart without naming them."""

    prefix: str
    name: str
    id: str
    account: str
    seconds_left: float


class CacheDocument(Document):
    """``cache show``."""

    folder: str
    keep_seconds: float
    entries: list[CacheEntryDocument]

    @classmethod
    def of(cls, cache: SnapshotCache) -> CacheDocument:
        """The document of the cache as it is now."""
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


class ClearedDocument(Document):
    """``cache clear``: how many answers were forgotten."""

    cleared: int
