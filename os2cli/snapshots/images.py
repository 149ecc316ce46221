"""Use cases around images: build when something changed, say whether an image is fresh."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from os2cli.core.errors import Os2Error
from os2cli.core.models import LOCAL_DOCKER, Image
from os2cli.core.observed import record_change
from os2cli.core.progress import SILENT, Progress
from os2cli.snapshots.building import BuildRequest, BuildResult, SnapshotBuilder


class Freshness(StrEnum):
    """How an image relates to the tree that it would be built from now."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """An image, if there is one, and how fresh it is; ``reason`` says why that is unknown."""

    freshness: Freshness
    image: Image | None = None
    reason: str | None = None


def image_status(builder: SnapshotBuilder, request: BuildRequest) -> ImageStatus:
    """Compare the image of that tag with what a build would make now.

    A tree that can't be read makes the answer ``UNKNOWN``: the image can be used all the same.
    """
    image = builder.find(request.tag)
    return ImageStatus(Freshness.MISSING) if image is None else _compare(builder, request, image)


def _compare(builder: SnapshotBuilder, request: BuildRequest, image: Image) -> ImageStatus:
    if image.key is None:
        return ImageStatus(Freshness.FOREIGN, image)
    try:
        key = builder.key(request)
    except Os2Error as error:
        return ImageStatus(Freshness.UNKNOWN, image, error.message)
    return ImageStatus(Freshness.FRESH if key == image.key else Freshness.STALE, image)


def ensure_image(
    builder: SnapshotBuilder,
    request: BuildRequest,
    *,
    rebuild: bool = False,
    progress: Progress = SILENT,
) -> BuildResult:
    """Return the image for new machines, building it when it is missing or ``rebuild`` says so.

    An image that the tree has moved on from is used as it is, with a warning.
    """
    image = builder.find(request.tag)
    if image is None or rebuild:
        if image is None:
            progress.notice(f"image {request.tag} is not there yet: building it")
        record_change(LOCAL_DOCKER)
        return builder.build(request, progress)
    status = _compare(builder, request, image)
    if status.freshness is Freshness.STALE:
        progress.warn(f"{request.tag} is older than this tree; --build brings it up to date")
    elif status.freshness is Freshness.UNKNOWN:
        progress.warn(f"whether {request.tag} is up to date can't be told: {status.reason}")
    return BuildResult(image, built=False, seconds=0.0)
