"""One build on the engine: the request, the session beside it, and the events of its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from os2cli.core.cancellation import check, ended_by
from os2cli.core.progress import Progress
from os2cli.core.redaction import masking
from os2cli.providers import labels
from os2cli.providers.local_docker.base_image import BaseImage
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.connection import hanging_up
from os2cli.providers.local_docker.images.build_events import BuildEvents
from os2cli.providers.local_docker.images.buildkit import builder_client
from os2cli.providers.local_docker.images.images import full_name
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.context import BuildContext, hidden_values


@dataclass(frozen=True, slots=True)
class EngineBuild:
    """What is sent for a build; ``key`` is the key that the image gets."""

    request: BuildRequest
    context: BuildContext
    base: BaseImage | None
    key: str

    def run(self, endpoint: Endpoint, progress: Progress, record: Callable[[str], None]) -> str:
        """Build, and return the image's id; ``record`` gets every line of the log.

        Raises:
            OperationFailed: the build failed.
            UsageError: the engine cannot mount the secrets (``secrets_unsupported``).
        """
        secrets = self.request.secrets
        # Builders write arguments expanded into the names of steps.
        hidden = (*secrets.values(), *hidden_values(self.request.build_args))
        events = BuildEvents(progress, record, masking(hidden))
        with (
            builder_client(endpoint, self.context.dockerfile_text, secrets) as client,
            ended_by(hanging_up(client)),
        ):
            return events.follow(self._post(client))

    def _post(self, client: EngineClient) -> Iterable[Mapping[str, Any]]:
        request = self.request
        arguments = dict(request.build_args)
        marks = {labels.IMAGE_KEY: self.key, labels.IMAGE_NAME: full_name(request.tag)}
        # Also without one: the label of an image that this one is built on would be inherited.
        marks[labels.IMAGE_REPOSITORY] = request.repository or ""
        if self.base is not None:
            arguments["BASE_IMAGE"] = self.base.reference
            marks[labels.IMAGE_BASE] = self.base.digest
        events: Iterable[Mapping[str, Any]] = client.build(
            fileobj=_watched(self.context.stream()),  # type: ignore[arg-type]  # requests takes any iterable
            custom_context=True,
            decode=True,
            dockerfile=self.context.dockerfile,
            tag=request.tag,
            buildargs=arguments,
            labels=marks,
            platform=request.platform,
            nocache=request.no_cache,
            rm=True,
            forcerm=True,
            # A step may write nothing for minutes: only Ctrl-C ends a build.
            timeout=None,
        )
        return events


def _watched(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks until the build is cancelled."""
    for chunk in stream:
        check()
        yield chunk
