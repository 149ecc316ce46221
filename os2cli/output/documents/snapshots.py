"""The documents of ``snapshot local-docker``, ``daytona`` and ``resolve``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from os2cli.core.models import Image
from os2cli.core.stage import Stage
from os2cli.output.documents.document import Document
from os2cli.snapshots.publishing import Publication
from os2cli.snapshots.resolution import Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
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
        """Describe an image."""
        return cls(
            name=image.reference,
            id=image.id,
            key=image.key,
            created=image.created,
            size_bytes=image.size_bytes,
            built=built,
            seconds=round(seconds, 3),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDocument(Document):
    """``snapshot daytona``: the snapshot and whether this call published it."""

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
        """Describe a publication."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateDocument:
    """A candidate snapshot and the verdict on it."""

    name: str
    id: str
    state: str
    created: datetime
    verdict: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionDocument(Document):
    """``snapshot resolve``: the stage's newest active snapshot.

    ``candidates`` is empty if the answer was cached, else the snapshots that were considered.
    """

    name: str | None
    id: str | None
    stage: str
    prefix: str
    cached: bool
    candidates: list[CandidateDocument]

    @classmethod
    def of(cls, resolution: Resolution) -> ResolutionDocument:
        """Describe a resolution."""
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
