"""The inputs of the checks as plain values: checks do not read the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from os2cli.core.errors import Os2Error
from os2cli.doctor.daytona_facts import DaytonaFacts
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.endpoint import DEFAULT_TCP
from os2cli.providers.local_docker.machines.trial_result import Trial
from os2cli.snapshots.building import BuildRequest


@dataclass(frozen=True, slots=True)
class ImageFreshness:
    """Whether the sandbox image exists and is built from the current working tree.

    ``built`` is None if the image does not exist; ``reason`` is what changed since. ``foreign``: it
    is not this repository's, and ``reason`` why.
    """

    reference: str
    built: datetime | None
    fresh: bool
    reason: str | None = None
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class DoctorInputs:
    """The host and the settings to check.

    ``endpoint`` is what ``resolve_endpoint`` returned or raised. ``image`` is called in a thread
    and may raise ``Os2Error``. ``system`` and ``architecture`` are ``platform.system()`` and
    ``platform.machine()``, ``host_name`` is ``platform.node()``. ``addresses`` are this host's
    outside addresses, to check whether the TCP API is open to other hosts; None detects them.
    ``tcp_api`` is the address of the API, if it is on. ``daytona`` None skips its checks. ``trial``
    starts a machine for a moment, ``image`` permitting; ``request`` returns the image's build.
    ``quick`` leaves out the checks of both.
    """

    variables: Mapping[str, str]
    home: Path
    endpoint: Endpoint | Os2Error
    repo_root: Path | None
    image: Callable[[], ImageFreshness]
    system: str
    architecture: str
    host_name: str
    stage: str | None = None
    tcp_api: Endpoint = DEFAULT_TCP
    addresses: tuple[str, ...] | None = None
    daytona: DaytonaFacts | None = None
    trial: Callable[[], Trial] = Trial
    request: Callable[[], BuildRequest] | None = None
    quick: bool = True
