"""Snapshots built by Daytona: from a Dockerfile's text, and a build context by its digest.

Daytona's builder supports neither build arguments nor links, finds the entrypoint by searching the
text, and caches what it built by text and context.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, replace

from os2cli.core.errors import UsageError
from os2cli.core.progress import SILENT, Progress
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.dockerfile import (
    check,
    entrypoint,
    with_arguments,
    with_plain_entrypoint,
)
from os2cli.providers.daytona.snapshots.object_store import ObjectStore
from os2cli.snapshots.building import BuildRequest, PublishRequest, SnapshotContent
from os2cli.snapshots.context import (
    BuildContext,
    collect,
    refuse_secrets,
    with_clean_git,
    without_links,
)
from os2cli.snapshots.git_needed import refuse_missing_git

# Raised when the same inputs must build another snapshot than before.
RECIPE = "1"
# The API takes bodies of 100 kB, and answers longer ones with "Cannot POST /api/snapshots".
MAX_TEXT_BYTES = 90_000
ROOT_DOCKERFILE = "Dockerfile"


class RemoteSource:
    """Sends build contexts to Daytona's builder; needs no engine."""

    def __init__(self, client: DaytonaClient) -> None:
        self.client = client

    def prepare(self, request: PublishRequest, progress: Progress = SILENT) -> RemoteContent:
        """Read the build context and write the Dockerfile for the builder.

        Raises:
            UsageError: the Dockerfile can't be built remotely, it lacks a build argument, or the
                context holds what looks like secrets.
        """
        build = request.build
        with progress.phase("read context"):
            context = collect(build.root, build.dockerfile, with_git=build.with_git)
            text = _text_for(build, context)
            refuse_missing_git(build, context)
            context = _without_root_dockerfile(without_links(context))
            if not build.allow_secrets:
                refuse_secrets(context)
            digest = context.digest()
        key = _key(text, digest, request)
        text += f"{_mark(request)}# os2-key: {key}\n"
        _refuse_long(text)
        return RemoteContent(self.client, context, digest, text, key)


@dataclass(frozen=True, slots=True)
class RemoteContent:
    """A Dockerfile's text, and the context that ``deliver`` uploads."""

    client: DaytonaClient
    context: BuildContext
    digest: str
    text: str
    key: str

    def deliver(self, progress: Progress = SILENT) -> SnapshotContent:
        """Upload the context unless the object store has it."""
        for note in self.context.unkept:
            progress.warn(note)
        if entrypoint(self.text) is None:
            progress.warn(
                "the Dockerfile has no ENTRYPOINT: its machines will run `sleep infinity`"
            )
        with (
            progress.phase("upload context"),
            with_clean_git(self.context, folders=False) as context,
        ):
            uploaded = ObjectStore(self.client).ensure(context, self.digest, progress)
        if not uploaded:
            progress.notice("the build context is already uploaded")
        return SnapshotContent(self.key, dockerfile=self.text, contexts=(self.digest,))


def _text_for(build: BuildRequest, context: BuildContext) -> str:
    text = context.dockerfile_text
    check(text)
    arguments = dict(build.build_args)
    if build.base_image is not None:
        arguments["BASE_IMAGE"] = build.base_image
    text = with_plain_entrypoint(with_arguments(text, arguments))
    return text if text.endswith("\n") else f"{text}\n"


def _mark(request: PublishRequest) -> str:
    """Return a comment that gives each stage, and each forced build, a text of its own.

    Of two snapshots with one text that are created together, Daytona may never finish one. Equal
    content of one stage keeps its text, so that Daytona's cache has it. No stage is written out:
    Daytona's search for an entrypoint would also read a comment.
    """
    stage = hashlib.sha256(request.stage.encode()).hexdigest()[:16]
    again = f" again {secrets.token_hex(16)}" if request.force else ""
    return f"# os2-build: {stage}{again}\n"


def _without_root_dockerfile(context: BuildContext) -> BuildContext:
    """Leave out ``Dockerfile``: the builder unpacks the context over the text that it gets."""
    entries = tuple(entry for entry in context.entries if entry.path != ROOT_DOCKERFILE)
    unkept = context.unkept
    if len(entries) < len(context.entries) and context.dockerfile != ROOT_DOCKERFILE:
        note = f"{ROOT_DOCKERFILE}: left out, because Daytona's builder uses that path"
        unkept = (*unkept, note)
    return replace(context, entries=entries, unkept=unkept)


def _key(text: str, digest: str, request: PublishRequest) -> str:
    resources = request.resources
    inputs = {
        "recipe": RECIPE,
        "dockerfile": text,
        "context": digest,
        "resources": [resources.cpu, resources.memory_gib, resources.disk_gib],
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _refuse_long(text: str) -> None:
    # As JSON: a line break is two bytes there.
    size = len(json.dumps(text).encode())
    if size > MAX_TEXT_BYTES:
        raise UsageError(
            f"the Dockerfile is too long for Daytona's API: {size} bytes, at most {MAX_TEXT_BYTES}",
            hint="move scripts to separate files, or build on this host: --builder local",
            code="dockerfile_too_long",
        )
