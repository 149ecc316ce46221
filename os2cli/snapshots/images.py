"""Use cases around images: build an image if needed, and compare it with the working tree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from os2cli.core.errors import Os2Error
from os2cli.core.models import LOCAL_DOCKER, Image
from os2cli.core.observed import record_change
from os2cli.core.progress import SILENT, Progress
from os2cli.snapshots.building import BuildRequest, BuildResult, SnapshotBuilder
from os2cli.snapshots.ownership import reject_using, strangeness


class Freshness(StrEnum):
    """How an image relates to the current working tree."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """An image, if it exists, and its freshness; ``reason`` is why it is unknown or foreign."""

    freshness: Freshness
    image: Image | None = None
    reason: str | None = None


def image_status(builder: SnapshotBuilder, request: BuildRequest) -> ImageStatus:
    """Compare the tagged image with what a build would produce now.

    If the tree cannot be read, the answer is ``UNKNOWN``: the image is still usable.
    """
    image = builder.find(request.tag)
    return ImageStatus(Freshness.MISSING) if image is None else _compare(builder, request, image)


def _compare(builder: SnapshotBuilder, request: BuildRequest, image: Image) -> ImageStatus:
    try:
        strange = strangeness(image, request, lambda: builder.key(request))
        if strange is not None or image.key is None:
            return ImageStatus(Freshness.FOREIGN, image, strange)
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
    """Return the image for new machines; build it if it is missing or ``rebuild`` is set.

    An outdated image is used as it is, with a warning.

    Raises:
        Conflict: the image is not this repository's (``image_not_ours``).
    """
    image = builder.find(request.tag)
    if image is None or rebuild:
        if image is None:
            progress.notice(f"image {request.tag} not found, building it")
        record_change(LOCAL_DOCKER)
        return builder.build(request, progress)
    status = _compare(builder, request, image)
    if status.freshness is Freshness.FOREIGN and status.reason is not None:
        raise reject_using(status.reason, request)
    if status.freshness is Freshness.STALE:
        progress.warn(f"image {request.tag} is out of date; rebuild it with --build")
    elif status.freshness is Freshness.UNKNOWN:
        progress.warn(f"cannot tell whether image {request.tag} is up to date: {status.reason}")
    return BuildResult(image, built=False, seconds=0.0)
