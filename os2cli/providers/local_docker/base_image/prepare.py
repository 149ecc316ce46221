"""The image that a sandbox is built on: the wanted one, pulled, or one made from packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import docker

from os2cli.core.errors import NotAuthorised, NotFound, OperationFailed, Os2Error, Unreachable
from os2cli.core.progress import SILENT, Progress
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.base_image import images
from os2cli.providers.local_docker.base_image.failures import (
    HINT,
    UNAVAILABLE,
    engine_errors,
    no_base,
)
from os2cli.providers.local_docker.base_image.packages import make_base
from os2cli.providers.local_docker.base_image.pull import (
    FIRST_ANSWER_S,
    PullFailed,
    PullProblem,
    pull,
)
from os2cli.providers.local_docker.base_image.recipe import Recipe, host_recipe
from os2cli.providers.local_docker.base_image.trust import find_trusting_image, trusting_image

# Where a base from packages exists, the registry has been out of reach before.
_FIRST_ANSWER_AGAIN_S = 1.5


@dataclass(frozen=True, slots=True)
class BaseImage:
    """What ``FROM`` is to name.

    ``digest`` is the image's id on the engine (``sha256:…``); ``origin`` says where it came from:
    ``engine`` (it was there), ``registry`` (pulled now) or ``packages``.
    """

    reference: str
    digest: str
    origin: str


def prepare_base(
    client: docker.APIClient,
    wanted: str,
    *,
    platform: str | None,
    explicit: bool,
    certificates: HostCertificates,
    cache_dir: Path,
    progress: Progress = SILENT,
    root: Path = Path("/"),
) -> BaseImage:
    """Make sure that the engine has a base image which trusts what this host trusts.

    ``platform`` is the engine's ``os/arch[/variant]``, None for its own. ``explicit`` says that
    the user chose ``wanted``: then nothing takes its place. ``cache_dir`` keeps downloaded
    packages between runs; ``root`` is where the host's distribution and APT sources are read.

    Raises:
        NotFound: the registry has no such image.
        NotAuthorised: the registry denies access to an image that the user chose.
        Unreachable: so is the registry of an image that the user chose; or the engine.
        OperationFailed: ``base_unavailable`` when it can't be made from packages either;
            ``disk_full``; ``base_failed``.
        TimedOut: a step took longer than its deadline.
    """
    origin = "engine"
    if not _present(client, wanted, platform):
        origin = "registry"
        recipe = None if explicit else _recipe(client, platform, certificates, root)
        try:
            with progress.phase(f"pull {wanted}"):
                limit = _first_answer_s(client, recipe)
                pull(client, wanted, platform=platform, progress=progress, first_answer_s=limit)
        except PullFailed as failure:
            if recipe is None or failure.problem is PullProblem.MISSING:
                raise _pull_error(wanted, failure) from failure
            try:
                return _from_packages(client, wanted, failure, recipe, cache_dir, progress)
            except OperationFailed as error:
                if error.code != UNAVAILABLE:
                    raise
                raise _joined(wanted, failure, error) from error
    if not certificates:
        return BaseImage(wanted, images.image_id(client, wanted), origin)
    reference, found = trusting_image(
        client, wanted, certificates, platform=platform, progress=progress
    )
    return BaseImage(reference, found, origin)


def find_base(
    client: docker.APIClient,
    wanted: str,
    *,
    platform: str | None,
    explicit: bool,
    certificates: HostCertificates,
    root: Path = Path("/"),
) -> BaseImage | None:
    """What ``prepare_base`` would return if it need not pull or make anything, else None.

    Raises:
        OperationFailed: the engine refused to say.
        Unreachable: the engine stopped answering.
    """
    if _present(client, wanted, platform):
        if not certificates:
            return BaseImage(wanted, images.image_id(client, wanted), "engine")
        trusting = find_trusting_image(client, wanted, certificates)
        return BaseImage(*trusting, "engine") if trusting else None
    recipe = None if explicit else _recipe(client, platform, certificates, root)
    if not isinstance(recipe, Recipe):
        return None
    found = _made_before(client, recipe)
    return BaseImage(recipe.reference, found, "packages") if found else None


def _present(client: docker.APIClient, wanted: str, platform: str | None) -> bool:
    found = images.inspect(client, wanted)
    if found is None:
        return False
    # Podman and containerd may leave out the variant, and a missing part is no contradiction.
    has = (found.get("Os"), found.get("Architecture"), found.get("Variant"))
    asked = (platform or "").split("/")
    return all(not want or not is_ or want == is_ for want, is_ in zip(asked, has, strict=False))


def _recipe(
    client: docker.APIClient, platform: str | None, certificates: HostCertificates, root: Path
) -> Recipe | OperationFailed:
    """What to make when the pull fails, or why nothing can be made."""
    with engine_errors("asking the engine for its architecture"):
        own = str(client.version()["Arch"])
    try:
        if platform and platform.split("/")[1:2] != [own]:
            raise no_base(
                f"one is made from packages only for the engine's own architecture, {own}"
            )
        return host_recipe(root, own, certificates)
    except OperationFailed as failure:
        return failure


def _first_answer_s(client: docker.APIClient, recipe: Recipe | OperationFailed | None) -> float:
    made = isinstance(recipe, Recipe) and _made_before(client, recipe)
    return _FIRST_ANSWER_AGAIN_S if made else FIRST_ANSWER_S


def _made_before(client: docker.APIClient, recipe: Recipe) -> str | None:
    return images.keyed_image_id(client, recipe.reference, recipe.key)


def _from_packages(
    client: docker.APIClient,
    wanted: str,
    failure: PullFailed,
    recipe: Recipe | OperationFailed,
    cache_dir: Path,
    progress: Progress,
) -> BaseImage:
    if isinstance(recipe, OperationFailed):
        raise recipe
    found = _made_before(client, recipe)
    if found is None:
        progress.notice(
            f"{wanted}: its registry {failure.problem}, so the base is made from the packages of"
            f" {recipe.title}"
        )
        found = make_base(client, recipe, cache_dir=cache_dir, progress=progress)
    return BaseImage(recipe.reference, found, "packages")


def _joined(wanted: str, failure: PullFailed, error: OperationFailed) -> OperationFailed:
    return OperationFailed(
        f"{wanted} can't be pulled ({failure.reason}), and {error.message}",
        hint=error.hint,
        code=error.code,
        log_tail=error.log_tail,
    )


def _pull_error(wanted: str, failure: PullFailed) -> Os2Error:
    message = f"{wanted} can't be pulled: its registry {failure.problem} ({failure.reason})"
    if failure.problem is PullProblem.MISSING:
        return NotFound(message, hint="check the name and the tag", code="base_not_found")
    if failure.problem is PullProblem.DENIED:
        return NotAuthorised(message, hint="log in to it: docker login", code="base_denied")
    return Unreachable(message, hint=HINT, code=UNAVAILABLE)
