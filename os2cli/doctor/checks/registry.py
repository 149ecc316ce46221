"""The registry that builds need: whether the engine reaches it."""

from __future__ import annotations

import re
from contextlib import closing

from os2cli.core.errors import Os2Error
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.registry_reach import Reach, reach_registry

_NAME = "registry"
_HOST = re.compile(r"\w[.:]\w")


def check_registry(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that the engine reaches the registry of the base image."""
    try:
        engine.facts()
    except Os2Error:
        return Finding(_NAME, Status.SKIPPED, "the engine does not answer")
    try:
        reach = _reach(inputs, engine)
    except Os2Error as error:
        return Finding(_NAME, Status.SKIPPED, f"not tried: {error.message}")
    if reach.reference is None:
        return Finding(_NAME, Status.SKIPPED, "the Dockerfile names no image")
    if not reach.known:
        return Finding(_NAME, Status.SKIPPED, "this engine cannot tell whether it reaches one")
    if reach.problem is None:
        return Finding(_NAME, Status.OK, "the engine reaches the registry of the base image")
    return Finding(
        _NAME,
        Status.WARNING,
        f"the engine does not reach the registry of the base image{_cause(reach.problem)}",
        "builds cannot pull images that the engine does not have",
        Remedy("check the engine's DNS servers and proxy, and the VPN; or give it a mirror"),
    )


def _reach(inputs: DoctorInputs, engine: SharedEngine) -> Reach:
    if inputs.request is None:
        return Reach(None)
    own = Engine(engine.endpoint)
    with closing(own.client):
        return reach_registry(own, inputs.request())


def _cause(problem: str) -> str:
    """Return the end of an engine's message, unless it names a host: reports are published."""
    cause = " ".join(problem.rpartition(": ")[2].split())
    return "" if _HOST.search(cause) else f": {cause}"
