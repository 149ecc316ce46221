"""Build images and publish snapshots from the options of a command or a form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from os2cli.app.registry import BuilderKind
from os2cli.app.session import Session
from os2cli.core.defaults import BUILD_SECONDS
from os2cli.core.errors import Conflict, UsageError
from os2cli.core.models import DEFAULT_RESOURCES, SnapshotResources
from os2cli.core.progress import Progress
from os2cli.core.stage import Stage
from os2cli.host import repository
from os2cli.host.repository import Source
from os2cli.host.repository_id import repository_id
from os2cli.settings.settings import variable_here
from os2cli.snapshots.build_arguments import read_arguments
from os2cli.snapshots.build_secrets import read_secrets
from os2cli.snapshots.building import BuildRequest, BuildResult, PublishRequest
from os2cli.snapshots.images import ensure_image
from os2cli.snapshots.ownership import NOT_OURS
from os2cli.snapshots.publishing import Publication, Publisher
from os2cli.snapshots.ssh_agents import read_agents


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """The options of a build; None and False leave the settings as they are."""

    repo: Path | None = None
    dockerfile: str | None = None
    tag: str | None = None
    base_image: str | None = None
    build_args: list[str] | None = None
    secrets: list[str] | None = None
    ssh: list[str] | None = None
    target: str | None = None
    platform: str | None = None
    no_cache: bool = False
    pull: bool = False
    base_from_packages: bool = True
    allow_secrets: bool = False
    with_git: bool = False

    def request(
        self, session: Session, source: Source, progress: Progress, tag: str | None = None
    ) -> BuildRequest:
        """Return the build request, from the settings where an option is missing."""
        folder = session.working_directory
        return replace(
            build_request(
                session, source, allow_secrets=self.allow_secrets, with_git=self.with_git
            ),
            tag=tag or self.tag or session.settings.image,
            build_args=read_arguments(self.build_args or [], variable_here, progress),
            secrets=read_secrets(self.secrets or [], variable_here, folder, progress),
            ssh_agents=read_agents(self.ssh or [], variable_here, folder),
            target=self.target,
            base_image=self.base_image or session.settings.base_image,
            platform=self.platform,
            no_cache=self.no_cache,
            pull=self.pull,
            base_from_packages=self.base_from_packages,
            # Named on the command line, or the working name of a publication, which uses the image
            # by its id.
            take_over=(tag or self.tag) is not None,
        )


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """The options of a snapshot; ``wait_seconds`` None returns before it is active."""

    stage: Stage
    build: BuildOptions = BuildOptions()
    resources: SnapshotResources = DEFAULT_RESOURCES
    builder: BuilderKind = BuilderKind.REMOTE
    force: bool = False
    trust_host: bool = False
    wait_seconds: float | None = BUILD_SECONDS


def build_image(session: Session, options: BuildOptions, progress: Progress) -> BuildResult:
    """Build the local image unless it is up to date."""
    source = locate_source(session, options.repo, options.dockerfile)
    result = session.providers.builder().build(options.request(session, source, progress), progress)
    note_bundled(session, source, result)
    return result


def publish(session: Session, options: PublishOptions, progress: Progress) -> Publication:
    """Publish a snapshot of the repository, unless the same one exists."""
    source = locate_source(session, options.build.repo, options.build.dockerfile)
    tag = f"os2-snapshot:{options.stage.name.lower()}"
    build = options.build.request(session, source, progress, tag)
    request = PublishRequest(build, options.resources, force=options.force)
    publisher = Publisher(
        session.providers.snapshots(),
        session.providers.content_source(options.builder, trust_host=options.trust_host),
        session.settings.state_dir / "locks",
        preflight=partial(session.providers.check_publishing, options.resources),
    )
    publication = publisher.publish(
        options.stage, request, wait_seconds=options.wait_seconds, progress=progress
    )
    session.forget_resolutions([options.stage.name])
    if source.bundled and publication.published:
        session.output.note(
            "built from the sandbox bundled with os2: this repository has no sandbox/Dockerfile"
        )
    return publication


def locate_source(
    session: Session, repo: Path | None = None, dockerfile: str | None = None
) -> Source:
    """Return the repository and the Dockerfile that images are built from."""
    return repository.locate_source(
        session.working_directory, repo, dockerfile or session.settings.dockerfile
    )


def build_request(
    session: Session,
    source: Source,
    *,
    allow_secrets: bool = False,
    with_git: bool = False,
) -> BuildRequest:
    """Return what is built without options: as the settings say."""
    return BuildRequest(
        root=source.root,
        dockerfile=source.dockerfile,
        tag=session.settings.image,
        base_image=session.settings.base_image,
        allow_secrets=allow_secrets,
        with_git=with_git,
        repository=repository_id(source, session.settings.state_dir),
    )


def local_image(
    session: Session,
    request: BuildRequest,
    progress: Progress,
    *,
    rebuild: bool,
    question: str,
    yes: bool,
    replace_strange: bool = False,
) -> BuildResult:
    """Return the image for new machines; ask before one of another repository is used.

    ``replace_strange`` builds this repository's instead, if the user agrees.

    Raises:
        Conflict: the user did not agree, or cannot be asked (``image_not_ours``).
    """
    builder = session.providers.builder()
    try:
        return ensure_image(builder, request, rebuild=rebuild, progress=progress)
    except Conflict as error:
        if error.code != NOT_OURS or not (yes or agrees(session, error.message, question)):
            raise
    agreed = replace(request, take_over=True)
    rebuild = rebuild or replace_strange
    return ensure_image(builder, agreed, rebuild=rebuild, progress=progress)


def agrees(session: Session, why: str, question: str) -> bool:
    """Ask the user; False if that is not possible."""
    output = session.output
    if not output.interactive:
        return False
    output.note(why)
    return output.confirm(question, instead="")


def next_base(session: Session) -> str | None:
    """Return the name of the image that the next build here begins with, None if none is there."""
    try:
        request = build_request(session, locate_source(session))
        return session.providers.builder().base(request)
    except UsageError:
        # It builds nothing until it is fixed.
        return None


def note_bundled(session: Session, source: Source, result: BuildResult) -> None:
    """Report that a new image was built from the bundled sandbox, not from the repository."""
    if source.bundled and result.built:
        session.output.note(
            f"{result.image.reference} was built from the sandbox bundled with os2: "
            "this repository has no sandbox/Dockerfile"
        )
