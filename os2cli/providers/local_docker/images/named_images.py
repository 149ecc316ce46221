"""The images that a build takes something from, as its Dockerfile and its options name them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import docker

from os2cli.core.errors import UsageError
from os2cli.core.small_files import read_small
from os2cli.host.repository import bundled_source
from os2cli.providers.local_docker.base_image.images import inspect
from os2cli.providers.local_docker.engine.builder_kind import builds_every_stage, has_buildkit
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.context import BuildContext
from os2cli.snapshots.dockerfile.images import named_images
from os2cli.snapshots.dockerfile.reading import read
from os2cli.snapshots.dockerfile.stages import global_arguments

BASE_ARGUMENT = "BASE_IMAGE"


@dataclass(frozen=True, slots=True)
class NamedImages:
    """The images of one build.

    ``base`` is the image that ``ARG BASE_IMAGE`` stands for, None if there is not one;
    ``replaceable`` says whether one from packages may take its place. ``others`` are got by
    the engine.
    """

    base: str | None
    replaceable: bool
    others: tuple[str, ...]


def images_of(
    request: BuildRequest, context: BuildContext, client: docker.APIClient
) -> NamedImages:
    """Return the images of a build.

    Raises:
        UsageError: a base is chosen that the Dockerfile does not take (``base_image_unused``), or
            two (``base_image_twice``); no stage has the name of ``target`` (``target_unknown``).
    """
    arguments = build_arguments(request)
    text = context.dockerfile_text
    reading = read(text)
    platform = _platform_of(request, text, client)
    base = global_arguments(reading, arguments, platform).get(BASE_ARGUMENT)
    if request.base_image is not None and base is None:
        raise UsageError(
            f"{context.dockerfile} has no ARG BASE_IMAGE, so no other base can be chosen",
            hint="leave --base-image out, or let the Dockerfile begin with ARG BASE_IMAGE=…",
            code="base_image_unused",
        )
    buildkit = has_buildkit(client)
    images = named_images(
        reading,
        arguments,
        platform,
        request.target,
        every_stage=builds_every_stage(client),
        reads_all=buildkit,
        has_frontends=buildkit,
    )
    if base not in images:
        return NamedImages(None, replaceable=False, others=images)
    chosen = BASE_ARGUMENT in arguments
    return NamedImages(
        base,
        replaceable=request.base_from_packages and not chosen and _is_own(text),
        others=tuple(image for image in images if image != base),
    )


def base_of(request: BuildRequest, client: docker.APIClient) -> str | None:
    """Return the image that a build begins with, None if its Dockerfile names none.

    Only the Dockerfile is read.

    Raises:
        UsageError: it cannot be read, or names something that cannot be an image
            (``dockerfile_invalid``).
    """
    try:
        content = read_small(request.root / request.dockerfile)
    except OSError as error:
        raise UsageError(
            f"cannot read {request.dockerfile}: {error.strerror}",
            hint="name a file that can be read: --dockerfile PATH",
            code="dockerfile_invalid",
        ) from error
    text = content.decode(errors="replace")
    arguments, platform = build_arguments(request), _platform_of(request, text, client)
    images = named_images(read(text), arguments, platform, request.target, every_stage=False)
    chosen = global_arguments(read(text), arguments, platform).get(BASE_ARGUMENT)
    return chosen if chosen in images else next(iter(images), None)


def present_ids(client: docker.APIClient, names: Iterable[str]) -> dict[str, str]:
    """Return the ids of those images that the engine has."""
    found = {name: inspect(client, name) for name in names}
    return {name: str(image["Id"]) for name, image in found.items() if image}


def build_arguments(request: BuildRequest) -> dict[str, str]:
    """Return the build arguments, with the chosen base image as one of them."""
    arguments = dict(request.build_args)
    base = request.base_image
    if base is not None and arguments.setdefault(BASE_ARGUMENT, base) != base:
        raise UsageError(
            "the base image is chosen twice: --base-image and --build-arg BASE_IMAGE differ",
            hint="leave one of them out; OS2_BASE_IMAGE counts as --base-image",
            code="base_image_twice",
        )
    return arguments


def _is_own(text: str) -> bool:
    """Return whether a Dockerfile is the one that comes with this os2, wherever it lies.

    One that was changed is the user's: what it needs of its base is not known.
    """
    own = bundled_source().dockerfile.read_text(encoding="utf-8")
    return text.splitlines() == own.splitlines()


def _platform_of(request: BuildRequest, text: str, client: docker.APIClient) -> dict[str, str]:
    return _platform_arguments(request.platform, client) if "$" in text else {}


def _platform_arguments(platform: str | None, client: docker.APIClient) -> dict[str, str]:
    """Return the arguments that builders set themselves."""
    version = client.version()
    own = f"{version.get('Os')}/{version.get('Arch')}"
    found: dict[str, str] = {}
    for prefix, name in (("BUILD", own), ("TARGET", platform or own)):
        system, _, rest = name.partition("/")
        architecture, _, variant = rest.partition("/")
        found |= {
            f"{prefix}PLATFORM": name,
            f"{prefix}OS": system,
            f"{prefix}ARCH": architecture,
            f"{prefix}VARIANT": variant,
        }
    return found
