"""Whose an image or a machine is on the engine: this repository's, or to be used only if named."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from os2cli.core.errors import Conflict, Os2Error
from os2cli.core.models import Image, Machine
from os2cli.snapshots.building import BuildRequest

# The repositories of a host share an image name, and an image sees what its machines are given.
NOT_OURS = "image_not_ours"
MACHINE_NOT_OURS = "machine_not_ours"


def strangeness(image: Image, request: BuildRequest, key: Callable[[], str]) -> str | None:
    """Return what makes an image not this repository's, as a sentence; None if it is.

    ``key`` returns the key of what ``request`` would build: an image of the same inputs is as good
    as this repository's. It is called only if the labels leave the question open.
    """
    if request.repository is None or request.take_over:
        return None
    if image.key is None:
        return f"image {image.reference} was not built by os2"
    if image.repository == request.repository or _has_key(image.key, key):
        return None
    if image.repository is None:
        return f"image {image.reference} was built by an earlier os2, from an unknown repository"
    return f"image {image.reference} was built from another repository"


def machine_strangeness(
    machine: Machine, request: BuildRequest, key: Callable[[], str]
) -> str | None:
    """Return what makes a machine not this repository's, as a sentence; None if it is.

    One from an image of the same inputs is as good as this repository's.
    """
    if request.repository is None or machine.repository == request.repository:
        return None
    if machine.image_key is not None and _has_key(machine.image_key, key):
        return None
    if machine.repository is None:
        return f"machine {machine.name} was created by an earlier os2, for an unknown repository"
    return f"machine {machine.name} belongs to another repository"


def build_as(tag: str) -> str:
    """Return the command that builds this repository's image under a name, whosever that is."""
    return shlex.join(("os2", "snapshot", "local-docker", "--tag", tag))


def _has_key(known: str, key: Callable[[], str]) -> bool:
    try:
        return known == key()
    except Os2Error:
        # What cannot be read proves nothing; a build reports why.
        return False


def reject_replacing(image: Image, request: BuildRequest, key: str) -> None:
    """Raise ``Conflict`` if a build would replace what is not this repository's."""
    strange = strangeness(image, request, lambda: key)
    if strange is not None:
        raise Conflict(
            strange,
            hint=f"choose another name with --tag, or replace the image: {build_as(request.tag)}",
            code=NOT_OURS,
        )


def reject_using(strange: str, request: BuildRequest) -> Conflict:
    """Return the error for a machine from an image that is not this repository's."""
    return Conflict(
        strange,
        hint=f"name the image to use it: --snapshot {shlex.quote(request.tag)}; "
        f"or build this repository's: {build_as(request.tag)}",
        code=NOT_OURS,
    )


def reject_machine(strange: str, name: str) -> Conflict:
    """Return the error for a machine that is not this repository's."""
    return Conflict(
        strange,
        hint=f"choose another name, or use the machine as it is: os2 up {name} --yes",
        code=MACHINE_NOT_OURS,
    )
