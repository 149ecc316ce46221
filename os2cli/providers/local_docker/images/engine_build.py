"""One build on the engine: the request, the session beside it, and the events of its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from docker.errors import APIError

from os2cli.core.cancellation import check, ended_by
from os2cli.core.errors import OperationFailed, Os2Error, UsageError
from os2cli.core.progress import Progress
from os2cli.core.redaction import masking
from os2cli.providers import labels
from os2cli.providers.local_docker.base_image import BaseImage
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.builder_kind import has_buildkit
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.connection import connect, hanging_up
from os2cli.providers.local_docker.engine.failures import explanation
from os2cli.providers.local_docker.images.base_in_place import with_base_in_place
from os2cli.providers.local_docker.images.build_events import BuildEvents
from os2cli.providers.local_docker.images.buildkit import BuildKitBuild
from os2cli.providers.local_docker.images.explaining import explained_with
from os2cli.providers.local_docker.images.images import full_name
from os2cli.providers.local_docker.images.named_images import (
    BASE_ARGUMENT,
    NamedImages,
    build_arguments,
)
from os2cli.providers.local_docker.images.too_old import too_old
from os2cli.providers.local_docker.images.unpulled import unpulled
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.context import BuildContext, ContextEntry, hidden_values


@dataclass(frozen=True, slots=True)
class EngineBuild:
    """What is sent for a build.

    ``named`` are the images that it takes something from, ``sources`` the ids of those that are
    there; ``key`` is the image's.
    """

    request: BuildRequest
    context: BuildContext
    named: NamedImages
    base: BaseImage | None
    sources: Mapping[str, str]
    key: str

    def run(self, endpoint: Endpoint, progress: Progress, record: Callable[[str], None]) -> str:
        """Build, and return the image's id; ``record`` gets every line of the log.

        Raises:
            OperationFailed: the build failed.
            UsageError: the engine cannot mount the secrets (``secrets_unsupported``).
        """
        request = self.request
        with closing(connect(endpoint)) as client, ended_by(hanging_up(client)):
            # Builders write arguments expanded into the names of steps.
            hidden = hidden_values({**client.build_proxies, **request.build_args})
            events = BuildEvents(progress, record, masking((*request.secrets.values(), *hidden)))
            buildkit = has_buildkit(client)
            try:
                # Closed here: a failure keeps its frames, and the session would outlive them.
                with closing(self._events(client, buildkit=buildkit)) as answer:
                    return events.follow(answer)
            except OperationFailed as error:
                if explained := self._explained(client, error, buildkit=buildkit):
                    raise explained from error
                raise

    def _explained(
        self, client: EngineClient, error: OperationFailed, *, buildkit: bool
    ) -> Os2Error | None:
        """Return what a failed build comes from, where its builder's words tell that."""
        missing = [name for name in self.named.others if name not in self.sources]
        dockerfile = self.context.dockerfile_text
        return (
            too_old(error, dockerfile, buildkit=buildkit)
            or explained_with(error, dockerfile)
            or unpulled(error, missing, client.log_in)
        )

    def _parameters(
        self, client: EngineClient, dockerfile: ContextEntry | None
    ) -> Mapping[str, Any]:
        """Return the parameters of ``POST /build``; its lists and objects are JSON."""
        request = self.request
        arguments = {**client.build_proxies, **build_arguments(request)}
        marks = {
            labels.IMAGE_KEY: self.key,
            labels.IMAGE_NAME: full_name(request.tag),
            labels.IMAGE_SOURCES: json.dumps(self.sources),
        }
        # Also without one: the label of an image that this one is built on would be inherited.
        marks[labels.IMAGE_REPOSITORY] = request.repository or ""
        if self.base is not None:
            if self.base.reference != self.named.base and dockerfile is None:
                arguments[BASE_ARGUMENT] = self.base.reference
            marks[labels.IMAGE_BASE] = self.base.digest
        return {
            "dockerfile": self.context.dockerfile,
            "t": request.tag,
            "buildargs": json.dumps(arguments),
            "labels": json.dumps(marks),
            "platform": request.platform,
            "target": request.target,
            "nocache": request.no_cache or None,
            "pull": request.pull or None,
            "rm": True,
            "forcerm": True,
        }

    def _events(self, client: EngineClient, *, buildkit: bool) -> Generator[Mapping[str, Any]]:
        with self._dockerfile() as dockerfile:
            parameters = self._parameters(client, dockerfile)
            if buildkit:
                build = BuildKitBuild(self.request, self.context, parameters, dockerfile)
                yield from build.events(client)
            else:
                yield from self._classic_events(client, parameters, dockerfile)

    def _dockerfile(self) -> AbstractContextManager[ContextEntry | None]:
        """Hold the Dockerfile to build with, None for that of the context."""
        if self.base is None or self.base.reference == self.named.base:
            return nullcontext()
        return with_base_in_place(self.context, self.base.reference, build_arguments(self.request))

    def _classic_events(
        self, client: EngineClient, parameters: Mapping[str, Any], dockerfile: ContextEntry | None
    ) -> Iterator[Mapping[str, Any]]:
        _check_classic(self.request)
        # It has one place for all files: steps that copy the Dockerfile see the changed one.
        context = self.context.with_entry(dockerfile) if dockerfile else self.context
        try:
            yield from client.start_build(parameters, _watched(context.stream()))
        except APIError as error:
            if error.status_code != HTTPStatus.BAD_REQUEST:
                raise
            # This builder sends no event for a mistake in the Dockerfile itself.
            yield {"error": explanation(error)}


def _check_classic(request: BuildRequest) -> None:
    for option, given in (("--secret", request.secrets), ("--ssh", request.ssh_agents)):
        if given:
            raise UsageError(
                f"{option}: this engine's builder cannot mount it, because it is not BuildKit",
                hint="leave it out, or use another engine: --docker-host",
                code="secrets_unsupported",
            )


def _watched(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks until the build is cancelled."""
    for chunk in stream:
        check()
        yield chunk
