"""Whether images run natively: emulation is slow and breaks some programs."""

from __future__ import annotations

from os2cli.core.errors import Os2Error
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs

_NAME = "architecture"
_GO_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}


def check_architecture(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Compare the engine's architecture with this host's."""
    try:
        facts = engine.facts()
    except Os2Error:
        return Finding(_NAME, Status.SKIPPED, "the engine does not answer")
    if facts.system != "linux":
        return Finding(
            _NAME,
            Status.PROBLEM,
            f"the engine runs {facts.system} containers, but the sandbox is a Linux image",
            remedy=Remedy("switch Docker Desktop to Linux containers"),
        )
    here, there = _go_name(inputs.architecture), _go_name(facts.architecture)
    if here == there:
        return Finding(_NAME, Status.OK, f"engine and host are both {here}")
    return Finding(
        _NAME,
        Status.WARNING,
        f"the engine is {there}, this host is {here}",
        "the engine emulates another architecture, which is slow",
        Remedy(f"use an engine and a Python for {here}"),
    )


def _go_name(machine: str) -> str:
    name = machine.lower()
    return _GO_NAMES.get(name, name)
