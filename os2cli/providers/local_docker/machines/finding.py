"""The container of a machine: its label has the machine's name, which ``docker rename`` keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docker.errors import NotFound

from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.containers import container_name, machine_name
from os2cli.providers.local_docker.machines.moving import without_copies
from os2cli.providers.local_docker.machines.shapes import mapping


def find_container(engine: Engine, machine: str) -> Mapping[str, Any] | None:
    """Return the engine's inspection of a machine's container, or None."""
    with engine.errors(f"looking for machine {machine}"):
        named = inspection_of(engine, container_name(machine))
        if named is not None and machine_name(named) == machine:
            return named
        for container in _renamed(engine, machine):
            inspection = inspection_of(engine, container)
            if inspection is not None and machine_name(inspection) == machine:
                return inspection
    return None


def inspection_of(engine: Engine, container: str) -> Mapping[str, Any] | None:
    """Return the engine's inspection of a container by its name or id, or None."""
    try:
        inspection: Mapping[str, Any] = engine.client.inspect_container(container)
    except NotFound:
        return None
    return inspection


def _renamed(engine: Engine, machine: str) -> list[str]:
    """Return the ids of the containers that are the machine by their label, in a fixed order."""
    filters = {"label": [f"{labels.MACHINE}=1", f"{labels.NAME}={machine}"]}
    found = without_copies(engine.client.containers(all=True, filters=filters))
    # Not all engines and proxies know all filters.
    return sorted(
        str(each["Id"])
        for each in found
        if mapping(each, "Labels").get(labels.NAME) == machine
        and mapping(each, "Labels").get(labels.MACHINE) == "1"
    )
