"""Everything that the checks look at, as plain values: they read no environment themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from os2cli.core.errors import Os2Error
from os2cli.doctor.daytona_facts import DaytonaFacts
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.endpoint import DEFAULT_TCP


@dataclass(frozen=True, slots=True)
class ImageFreshness:
    """Whether the sandbox image is there and built from what the repository holds now.

    ``built`` None means that there is no such image; ``reason`` says what changed since.
    """

    reference: str
    built: datetime | None
    fresh: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DoctorInputs:
    """The computer and the settings that are examined.

    ``endpoint`` is what ``resolve_endpoint`` returned or raised. ``image`` is called in a thread
    and may raise ``Os2Error``. ``system`` and ``architecture`` are ``platform.system()`` and
    ``platform.machine()``, ``host_name`` is ``platform.node()``. ``addresses`` are those at which
    this computer is reached from outside, to see whether the TCP API is open to others; None finds
    them. ``tcp_api`` is where the web app expects the API. ``daytona`` None leaves that out.
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
