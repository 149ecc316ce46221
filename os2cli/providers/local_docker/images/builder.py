"""The snapshot builder for a Docker engine: an unchanged request builds nothing."""

from __future__ import annotations

import time
from pathlib import Path

from os2cli.core.errors import NotFound
from os2cli.core.models import Image
from os2cli.core.progress import SILENT, Progress
from os2cli.host.certificates import HostCertificates
from os2cli.host.locks import exclusive
from os2cli.providers import labels
from os2cli.providers.local_docker.base_image import (
    PACKAGES,
    BaseImage,
    can_pull,
    find_base,
    prepare_base,
    pull_images,
)
from os2cli.providers.local_docker.engine.builder_kind import has_buildkit
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_inputs import BuildInputs, image_key
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.images import drop_unused_image, find_image, full_name
from os2cli.providers.local_docker.images.named_images import (
    NamedImages,
    base_of,
    images_of,
    present_ids,
)
from os2cli.snapshots.building import BuildRequest, BuildResult
from os2cli.snapshots.context import collect, refuse_secrets, with_clean_git
from os2cli.snapshots.git_needed import refuse_missing_git
from os2cli.snapshots.ownership import reject_replacing


class LocalDockerBuilder:
    """Builds images on the engine, one build of a tag at a time.

    ``cache_dir`` keeps downloads for a base image built from packages, ``lock_dir`` the locks of
    tags, ``logs`` the build logs.
    """

    def __init__(
        self,
        engine: Engine,
        lock_dir: Path,
        cache_dir: Path,
        certificates: HostCertificates,
        logs: BuildLogs,
    ) -> None:
        self.engine = engine
        self.logs = logs
        self.lock_dir = lock_dir
        self.cache_dir = cache_dir
        self.certificates = certificates

    def find(self, reference: str) -> Image | None:
        """Return the image of that name on the engine, or None."""
        with self.engine.errors(f"looking for image {reference}"):
            return find_image(self.engine.client, reference)

    def key(self, request: BuildRequest) -> str:
        """Return the key, in hex, of an image built from ``request`` now."""
        return self.read(request).key

    def read(self, request: BuildRequest) -> BuildInputs:
        """Read the tree and look up the images that it is built from."""
        context = collect(request.root, request.dockerfile, with_git=request.with_git)
        # The engine first: when it is dead, reading a large tree is a waste of time.
        with self.engine.errors("looking for the images of the Dockerfile"):
            named = images_of(request, context, self.engine.client)
            sources = self._present(request, named)
        digest = context.digest()
        key = image_key(request, context, digest, sources, self._trust)
        return BuildInputs(context, named, digest, key)

    def base(self, request: BuildRequest) -> str | None:
        """Return the name of the image that a build begins with, None if it is not there yet."""
        client = self.engine.client
        with self.engine.errors("looking for the base image"):
            named = base_of(request, client)
            found = named and find_base(
                client,
                named,
                platform=request.platform,
                certificates=self.certificates,
                replaceable=request.base_from_packages,
            )
        return found.reference if found else None

    def build(
        self,
        request: BuildRequest,
        progress: Progress = SILENT,
        *,
        inputs: BuildInputs | None = None,
    ) -> BuildResult:
        """Build unless an image with this key already has the tag.

        ``inputs`` are those of an earlier ``read`` of the same request. Another build of the tag
        is waited for first.

        Raises:
            Conflict: another repository's image has the tag (``image_not_ours``).
            UsageError: the context holds what looks like secrets (``secrets_in_context``), or the
                Dockerfile needs a ``.git`` that is not sent (``git_not_sent``).
            OperationFailed: the build failed.
        """

        def say_waiting() -> None:
            progress.notice(f"waiting for another os2 process that builds {request.tag}")

        started = time.monotonic()
        with exclusive(self.lock_dir, f"image {request.tag}", on_busy=say_waiting):
            image = self.find(request.tag)
            inputs = inputs or self.read(request)
            again = request.no_cache or request.pull
            if image is not None and image.key == inputs.key and not again:
                return BuildResult(image, built=False, seconds=time.monotonic() - started)
            if image is not None:
                reject_replacing(image, request, inputs.key)
            refuse_missing_git(request, inputs.context)
            if not request.allow_secrets:
                refuse_secrets(inputs.context)
            image = self._build(request, inputs, progress)
        return BuildResult(image, built=True, seconds=time.monotonic() - started)

    def _build(self, request: BuildRequest, inputs: BuildInputs, progress: Progress) -> Image:
        # It brings BuildKit's messages and sessions: 0.2 s, which an unchanged image does not pay.
        from os2cli.providers.local_docker.images.engine_build import EngineBuild

        context, named = inputs.context, inputs.named
        before = self.find(request.tag)
        base = self._prepare_base(request, named, progress)
        if not has_buildkit(self.engine.client):
            platform, again = request.platform, request.pull
            pull_images(
                self.engine.client, named.others, platform=platform, again=again, progress=progress
            )
        for note in context.unkept:
            progress.warn(note)
        # The base may have been created, or replaced, since the inputs were read.
        with self.engine.errors("looking for the images of the Dockerfile"):
            sources = present_ids(self.engine.client, named.others)
        if base is not None and named.base is not None:
            sources[named.base] = base.digest
        key = image_key(request, context, inputs.digest, sources, self._trust)
        with (
            progress.phase("build image"),
            self.logs.recording(key, full_name(request.tag)) as log,
            with_clean_git(context) as sent,
            self.engine.errors(f"building {request.tag}"),
        ):
            build = EngineBuild(request, sent, named, base, sources, key)
            image_id = build.run(self.engine.endpoint, progress, log.write)
        if before is not None and before.id != image_id:
            drop_unused_image(self.engine.client, before.id)
        built = self.find(request.tag)
        if built is None:
            raise NotFound(
                f"image {request.tag} disappeared after its build",
                hint="another process on this engine removes images; build it again",
            )
        return built

    def _prepare_base(
        self, request: BuildRequest, named: NamedImages, progress: Progress
    ) -> BaseImage | None:
        if named.base is None:
            return None
        return prepare_base(
            self.engine.client,
            named.base,
            platform=request.platform,
            certificates=self.certificates,
            progress=progress,
            replaceable=named.replaceable,
            pull_again=request.pull,
            cache_dir=self.cache_dir,
            lock_dir=self.lock_dir,
        )

    def _present(self, request: BuildRequest, named: NamedImages) -> dict[str, str]:
        """Return the ids of the images that a build would use now, without getting one.

        An image does not become stale if one that it was built from is removed.
        """
        client = self.engine.client
        image = self.find(request.tag)
        ids = labels.sources(image.labels) if image else {}
        ids = {name: id_ for name, id_ in ids.items() if name in {named.base, *named.others}}
        ids |= present_ids(client, named.others)
        if named.base is not None:
            base = find_base(
                client,
                named.base,
                platform=request.platform,
                certificates=self.certificates,
                replaceable=named.replaceable,
            )
            if base is not None:
                ids[named.base] = base.digest
            if image and base and base.origin == PACKAGES and can_pull(client, named.base):
                # Stale: no image has that id.
                ids[named.base] = ""
        return ids

    @property
    def _trust(self) -> str | None:
        return self.certificates.digest if self.certificates else None
