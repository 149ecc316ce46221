"""From the options of ``snapshot local-docker`` and ``daytona`` to an image or a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from os2cli.app.registry import BuilderKind
from os2cli.app.session import Session
from os2cli.core.models import DEFAULT_RESOURCES, SnapshotResources
from os2cli.core.parsing import parse_pairs
from os2cli.core.progress import Progress
from os2cli.core.stage import Stage
from os2cli.host.repository import Source
from os2cli.snapshots.building import BuildRequest, BuildResult, PublishRequest
from os2cli.snapshots.publishing import Publication

WAIT_SECONDS = 30 * 60.0


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What was said about a build; None and False leave what the settings say."""

    repo: Path | None = None
    dockerfile: str | None = None
    tag: str | None = None
    base_image: str | None = None
    build_args: list[str] | None = None
    platform: str | None = None
    no_cache: bool = False
    allow_secrets: bool = False

    def request(self, session: Session, source: Source, tag: str | None = None) -> BuildRequest:
        """What is built, with the settings where nothing was said."""
        return session.build_request(
            source,
            tag=tag or self.tag,
            build_args=parse_pairs(self.build_args, "--build-arg"),
            base_image=self.base_image,
            platform=self.platform,
            no_cache=self.no_cache,
            allow_secrets=self.allow_secrets,
        )


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What was said about a snapshot; ``wait_seconds`` None returns before it is active."""

    stage: Stage
    build: BuildOptions = BuildOptions()
    resources: SnapshotResources = DEFAULT_RESOURCES
    builder: BuilderKind = BuilderKind.REMOTE
    force: bool = False
    trust_host: bool = False
    wait_seconds: float | None = WAIT_SECONDS


def build_image(session: Session, given: BuildOptions, progress: Progress) -> BuildResult:
    """Bring the local image up to date."""
    source = session.source(given.repo, given.dockerfile)
    result = session.providers.builder().build(given.request(session, source), progress)
    session.note_bundled(source, result)
    return result


def publish(session: Session, given: PublishOptions, progress: Progress) -> Publication:
    """Publish a snapshot of the repository, unless it is there already."""
    source = session.source(given.build.repo, given.build.dockerfile)
    tag = f"os2-snapshot:{given.stage.name.lower()}"
    request = PublishRequest(
        given.build.request(session, source, tag), given.resources, force=given.force
    )
    publication = session.publisher(given.builder, trust_host=given.trust_host).publish(
        given.stage, request, wait_seconds=given.wait_seconds, progress=progress
    )
    session.forget_resolutions([given.stage.name])
    if source.bundled and publication.published:
        session.output.note(
            "it is the sandbox that os2 brings: this repository has no sandbox/Dockerfile"
        )
    return publication
