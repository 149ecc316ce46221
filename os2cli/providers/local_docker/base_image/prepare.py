"""The image that a sandbox is built on: present, pulled, or built from packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import docker

from os2cli.core.deadline import within
from os2cli.core.errors import OperationFailed, Os2Error
from os2cli.core.progress import SILENT, Progress
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.base_image import images
from os2cli.providers.local_docker.base_image.failures import (
    UNAVAILABLE,
    engine_errors,
    no_base,
)
from os2cli.providers.local_docker.base_image.packages import build_base
from os2cli.providers.local_docker.base_image.pull import (
    FIRST_ANSWER_S,
    PullFailed,
    PullProblem,
    pull,
    pull_error,
)
from os2cli.providers.local_docker.base_image.recipe import Recipe, host_recipe
from os2cli.providers.local_docker.base_image.trust import find_trusting_image, trusting_image

PACKAGES = "packages"

# If a base from packages exists, the registry was unreachable before.
_FIRST_ANSWER_AGAIN_S = 1.5


@dataclass(frozen=True, slots=True)
class BaseImage:
    """The image that ``FROM`` names.

    ``digest`` is its id on the engine (``sha256:…``); ``origin`` is where it came from: ``engine``
    (already present), ``registry`` (pulled now) or ``PACKAGES``.
    """

    reference: str
    digest: str
    origin: str


def prepare_base(
    client: docker.APIClient,
    reference: str,
    *,
    platform: str | None,
    replaceable: bool,
    pull_again: bool = False,
    certificates: HostCertificates,
    cache_dir: Path,
    lock_dir: Path,
    progress: Progress = SILENT,
    root: Path = Path("/"),
) -> BaseImage:
    """Return a base image that trusts what this host trusts, and pull or build it if needed.

    ``platform`` is the engine's ``os/arch[/variant]``, None for its own. ``replaceable``: where the
    registry does not give it, one from packages takes its place, with a warning. ``pull_again``:
    ask the registry also for one that is present. ``cache_dir`` keeps downloaded packages between
    runs, ``lock_dir`` locks; the host's distribution and APT sources are read below ``root``.

    Raises:
        NotFound: the registry does not have the image.
        NotAuthorised: the registry denies access.
        Unreachable: the engine, or the registry.
        OperationFailed: ``base_unavailable`` if packages do not help either; ``disk_full``;
            ``base_failed``.
        TimedOut: a step exceeded its deadline.
    """
    origin = "engine"
    present = _present(client, reference, platform)
    if pull_again or not present:
        origin = "registry"
        replaceable = replaceable and not present
        recipe = _recipe(client, platform, certificates, root) if replaceable else None
        try:
            _pull(client, reference, platform, progress, _first_answer_s(client, recipe))
        except PullFailed as failure:
            if recipe is None or failure.problem is PullProblem.MISSING:
                raise pull_error(reference, failure, is_base=True) from failure
            try:
                build = partial(
                    build_base, client, cache_dir=cache_dir, lock_dir=lock_dir, progress=progress
                )
                return _from_packages(client, reference, failure, recipe, build, progress)
            except OperationFailed as error:
                if error.code != UNAVAILABLE:
                    raise
                raise _joined(reference, failure, error) from error
    if not certificates:
        return BaseImage(reference, images.image_id(client, reference), origin)
    trusting = trusting_image(client, reference, certificates, platform=platform, progress=progress)
    return BaseImage(*trusting, origin)


def pull_images(
    client: docker.APIClient,
    references: Iterable[str],
    *,
    platform: str | None,
    again: bool,
    progress: Progress = SILENT,
) -> None:
    """Pull the images that a build takes something from, ``again`` also those that are present.

    Raises:
        NotFound: the registry does not have one.
        NotAuthorised: the registry denies access.
        Unreachable: the engine, or the registry.
    """
    for reference in references:
        if again or not _present(client, reference, platform):
            try:
                _pull(client, reference, platform, progress, FIRST_ANSWER_S)
            except PullFailed as failure:
                raise pull_error(reference, failure, is_base=False) from failure


def find_base(
    client: docker.APIClient,
    reference: str,
    *,
    platform: str | None,
    replaceable: bool,
    certificates: HostCertificates,
    root: Path = Path("/"),
) -> BaseImage | None:
    """Return what ``prepare_base`` would if it had nothing to pull or build, else None.

    Raises:
        OperationFailed: the engine answered with an error.
        Unreachable: the connection to the engine broke.
    """
    if _present(client, reference, platform):
        if not certificates:
            return BaseImage(reference, images.image_id(client, reference), "engine")
        trusting = find_trusting_image(client, reference, certificates)
        return BaseImage(*trusting, "engine") if trusting else None
    recipe = _recipe(client, platform, certificates, root) if replaceable else None
    if not isinstance(recipe, Recipe):
        return None
    digest = _built_before(client, recipe)
    return BaseImage(recipe.reference, digest, PACKAGES) if digest else None


def can_pull(client: docker.APIClient, reference: str) -> bool:
    """Return whether a registry has an image, and says so at once; False on Podman."""
    try:
        with within(_FIRST_ANSWER_AGAIN_S), engine_errors(f"looking for {reference}"):
            client.inspect_distribution(reference)
    except Os2Error:
        return False
    return True


def _pull(
    client: docker.APIClient,
    reference: str,
    platform: str | None,
    progress: Progress,
    first_answer_s: float,
) -> None:
    with progress.phase(f"pull {reference}"):
        pull(client, reference, platform=platform, progress=progress, first_answer_s=first_answer_s)


def _present(client: docker.APIClient, reference: str, platform: str | None) -> bool:
    image = images.inspect(client, reference)
    if image is None:
        return False
    # Podman and containerd may omit the variant: a missing part matches.
    actual = (image.get("Os"), image.get("Architecture"), image.get("Variant"))
    expected = (platform or "").split("/")
    return all(not e or not a or e == a for e, a in zip(expected, actual, strict=False))


def _recipe(
    client: docker.APIClient, platform: str | None, certificates: HostCertificates, root: Path
) -> Recipe | OperationFailed:
    """Return what to build if the pull fails, or why nothing can be built."""
    with engine_errors("reading the engine's architecture"):
        own = str(client.version()["Arch"])
    try:
        if platform and platform.split("/")[1:2] != [own]:
            raise no_base(
                f"one is built from packages only for the engine's own architecture, {own}"
            )
        return host_recipe(root, own, certificates)
    except OperationFailed as failure:
        return failure


def _first_answer_s(client: docker.APIClient, recipe: Recipe | OperationFailed | None) -> float:
    built = isinstance(recipe, Recipe) and _built_before(client, recipe)
    return _FIRST_ANSWER_AGAIN_S if built else FIRST_ANSWER_S


def _built_before(client: docker.APIClient, recipe: Recipe) -> str | None:
    return images.keyed_image_id(client, recipe.reference, recipe.key)


def _from_packages(
    client: docker.APIClient,
    reference: str,
    failure: PullFailed,
    recipe: Recipe | OperationFailed,
    build: Callable[[Recipe], str],
    progress: Progress,
) -> BaseImage:
    if isinstance(recipe, OperationFailed):
        raise recipe
    digest = _built_before(client, recipe)
    progress.warn(
        f"{reference}: the registry {failure.problem}; the image is built on packages of"
        f" {recipe.title} instead, until it can be pulled"
    )
    if digest is None:
        digest = build(recipe)
    return BaseImage(recipe.reference, digest, PACKAGES)


def _joined(reference: str, failure: PullFailed, error: OperationFailed) -> OperationFailed:
    return OperationFailed(
        f"cannot pull {reference} ({failure.reason}), and {error.message}",
        hint=error.hint,
        code=error.code,
        log_tail=error.log_tail,
    )
