"""Snapshots built on the local engine and pushed to Daytona's transient registry."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import partial

from os2cli.core.progress import SILENT, Progress
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.wire import RegistryAccess, read
from os2cli.providers.daytona.snapshots.creating import creating
from os2cli.providers.local_docker.images.build_inputs import BuildInputs
from os2cli.providers.local_docker.images.builder import LocalDockerBuilder
from os2cli.providers.local_docker.images.push import (
    RegistryLogin,
    push_image,
    transient_reference,
)
from os2cli.snapshots.building import PublishRequest, SnapshotContent

PLATFORM = "linux/amd64"
_DOING = "pushing the image"


class LocalSource:
    """Builds as for local images, but for Daytona's platform."""

    def __init__(self, client: DaytonaClient, builder: LocalDockerBuilder) -> None:
        self.client = client
        self.builder = builder

    def prepare(self, request: PublishRequest, progress: Progress = SILENT) -> LocalContent:
        """Name what would be built; raises if no engine answers."""
        build = replace(request.build, platform=PLATFORM, no_cache=request.force)
        request = replace(request, build=build)
        with progress.phase("read context"):
            inputs = self.builder.read(build)
        key = _key(inputs.key, request)
        return LocalContent(self.client, self.builder, request, inputs, key)


@dataclass(frozen=True, slots=True)
class LocalContent:
    """An image that ``deliver`` builds and pushes."""

    client: DaytonaClient
    builder: LocalDockerBuilder
    request: PublishRequest
    inputs: BuildInputs
    key: str

    def deliver(self, progress: Progress = SILENT) -> SnapshotContent:
        """Build the image unless the engine has it, and push it under an unguessable name."""
        image = self.builder.build(self.request.build, progress, inputs=self.inputs).image
        # The build may have created the base image, which is part of the image's key.
        key = _key(image.key or "", self.request)
        query = {"regionId": self.client.access.target} if self.client.access.target else None
        path = "/docker-registry/registry-push-access"
        ask = partial(self.client.get, path, query, doing=_DOING)
        answer = creating(self.client, "the registry", _DOING).request(ask)
        access = read(RegistryAccess, answer, _DOING)
        self.client.keep_secret({"secret": access.secret})
        reference = _reference(access, key)
        with progress.phase("push image"):
            push_image(
                self.builder.engine,
                image,
                reference,
                RegistryLogin(access.username, access.secret),
                progress,
                self.builder.lock_dir,
            )
        return SnapshotContent(key, image=reference)


def _reference(access: RegistryAccess, key: str) -> str:
    """Return the image's name, which is unguessable because organisations share a project."""
    registry = access.url.partition("://")[2] or access.url
    return transient_reference(f"{registry.rstrip('/')}/{access.project}", key)


def _key(image_key: str, request: PublishRequest) -> str:
    resources = request.resources
    inputs = [image_key, resources.cpu, resources.memory_gib, resources.disk_gib]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
