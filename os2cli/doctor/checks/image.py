"""The sandbox image: whether it exists and is up to date."""

from __future__ import annotations

from os2cli.core.errors import Os2Error
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs
from os2cli.snapshots.ownership import build_as

_NAME = "image"
_BUILD = "os2 snapshot local-docker"


def check_image(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check the freshness that ``inputs.image`` returns."""
    try:
        engine.facts()
    except Os2Error:
        return Finding(_NAME, Status.SKIPPED, "the engine does not answer")
    try:
        image = inputs.image()
    except Os2Error as error:
        remedy = Remedy(error.hint) if error.hint else None
        return Finding(_NAME, Status.PROBLEM, error.message, remedy=remedy)
    if image.built is None:
        remedy = Remedy("build it", (_BUILD,))
        return Finding(_NAME, Status.WARNING, f"image {image.reference} not found", None, remedy)
    what = f"{image.reference}, built {image.built:%Y-%m-%d %H:%M} UTC"
    if image.foreign:
        text = "choose another name with --tag, or replace the image"
        remedy = Remedy(text, (build_as(image.reference),))
        what = f"{what}, is not of this repository"
        return Finding(_NAME, Status.WARNING, what, image.reason, remedy)
    if image.fresh:
        return Finding(_NAME, Status.OK, f"{what}, is up to date")
    why = image.reason or "the repository changed since the build"
    return Finding(
        _NAME, Status.WARNING, f"{what}, is out of date", why, Remedy("rebuild it", (_BUILD,))
    )
