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
from os2cli.providers.local_docker.base_image import BaseImage, find_base, prepare_base
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_inputs import BuildInputs, image_key, wanted_base
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.images import drop_unused_image, find_image, full_name
from os2cli.snapshots.building import BuildRequest, BuildResult
from os2cli.snapshots.context import BuildContext, collect, refuse_secrets
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
        """Read the tree and look up the base image."""
        context = collect(request.root, request.dockerfile)
        # The engine first: when it is dead, reading a large tree is a waste of time.
        base = self._present_base_id(request, context)
        digest = context.digest()
        return BuildInputs(context, digest, self._key(request, context, digest, base))

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
            UsageError: the context holds what looks like secrets (``secrets_in_context``).
            OperationFailed: the build failed.
        """

        def say_waiting() -> None:
            progress.notice(f"waiting for another os2 process that builds {request.tag}")

        started = time.monotonic()
        with exclusive(self.lock_dir, f"image {request.tag}", on_busy=say_waiting):
            image = self.find(request.tag)
            inputs = inputs or self.read(request)
            if image is not None and image.key == inputs.key and not request.no_cache:
                return BuildResult(image, built=False, seconds=time.monotonic() - started)
            if image is not None:
                reject_replacing(image, request, inputs.key)
            if not request.allow_secrets:
                refuse_secrets(inputs.context)
            image = self._build(request, inputs, progress)
        return BuildResult(image, built=True, seconds=time.monotonic() - started)

    def _build(self, request: BuildRequest, inputs: BuildInputs, progress: Progress) -> Image:
        # It brings BuildKit's messages and sessions: 0.2 s, which an unchanged image does not pay.
        from os2cli.providers.local_docker.images.engine_build import EngineBuild

        context = inputs.context
        before = self.find(request.tag)
        base = self._prepare_base(request, context, progress)
        for note in context.unkept:
            progress.warn(note)
        # The base may have been created, or replaced, since the inputs were read.
        key = self._key(request, context, inputs.digest, base.digest if base else None)
        with (
            progress.phase("build image"),
            self.logs.recording(key, full_name(request.tag)) as log,
            self.engine.errors(f"building {request.tag}"),
        ):
            build = EngineBuild(request, context, base, key)
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
        self, request: BuildRequest, context: BuildContext, progress: Progress
    ) -> BaseImage | None:
        reference = wanted_base(request, context)
        if reference is None:
            return None
        return prepare_base(
            self.engine.client,
            reference,
            platform=request.platform,
            certificates=self.certificates,
            progress=progress,
            explicit=request.base_image is not None,
            cache_dir=self.cache_dir,
            lock_dir=self.lock_dir,
        )

    def _present_base_id(self, request: BuildRequest, context: BuildContext) -> str | None:
        """Return the id of the base that a build would use, without building one.

        An image does not become stale if its base is removed.
        """
        reference = wanted_base(request, context)
        if reference is None:
            return None
        with self.engine.errors(f"looking for the base image {reference}"):
            base = find_base(
                self.engine.client,
                reference,
                platform=request.platform,
                certificates=self.certificates,
                explicit=request.base_image is not None,
            )
        if base is not None:
            return base.digest
        image = self.find(request.tag)
        return image.labels.get(labels.IMAGE_BASE) if image else None

    def _key(
        self, request: BuildRequest, context: BuildContext, digest: str, base_id: str | None
    ) -> str:
        certificates = self.certificates.digest if self.certificates else None
        return image_key(request, context.dockerfile, digest, base_id, certificates)
