"""Whether the engine reaches the registry of the image that a Dockerfile is built on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from os2cli.core.deadline import within
from os2cli.core.errors import TimedOut
from os2cli.providers.local_docker.base_image.failures import lost
from os2cli.providers.local_docker.base_image.pull import PullFailed, PullProblem, pull_refused
from os2cli.providers.local_docker.engine.builder_kind import is_podman
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import sdk_errors
from os2cli.providers.local_docker.images.named_images import base_of
from os2cli.snapshots.building import BuildRequest

REACH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether the registry of ``reference`` was reached: if not, ``problem`` says why.

    ``reference`` is None if the Dockerfile names no image. Not ``known``: the engine cannot tell.
    """

    reference: str | None = None
    problem: str | None = None
    known: bool = True


def reach_registry(engine: Engine, request: BuildRequest) -> Reach:
    """Ask the engine to ask a registry for the image that a build begins with.

    A registry that denies access or does not have the image was reached.

    Raises:
        Os2Error: the engine does not answer; the Dockerfile cannot be read.
    """
    client: Any = engine.client  # its stubs leave this out
    with within(REACH_SECONDS), engine.errors("looking for the registry of the base image"):
        reference = base_of(request, client)
        if reference is None or is_podman(client):
            return Reach(reference, known=False)
        try:
            with sdk_errors(refused=pull_refused, lost=partial(lost, "asking a registry")):
                client.inspect_distribution(reference)
        except PullFailed as failure:
            unreached = failure.problem is PullProblem.UNREACHABLE
            return Reach(reference, problem=failure.reason if unreached else None)
        except TimedOut:
            return Reach(reference, problem=f"no response after {REACH_SECONDS:g} s")
    return Reach(reference)
