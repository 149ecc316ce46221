"""Another port for a machine: engines fix a container's ports when they create it.

So a second container is made from the first one's files, which an image without a name holds, with
its volumes, labels, limits and network. The machine is the first until the second runs: what a
killed os2 left beside it has a label, is in no list, and goes with the next move or removal.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from os2cli.core.deadline import apart
from os2cli.core.models import MachineState
from os2cli.host.ports import is_free
from os2cli.machines.next_steps import must_be_stopped
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import HURRIED_SECONDS, tidying
from os2cli.providers.local_docker.images.images import drop_unused_image
from os2cli.providers.local_docker.machines.containers import (
    container_name,
    machine_from_inspection,
    start_container,
)
from os2cli.providers.local_docker.machines.ports import port_holders
from os2cli.providers.local_docker.machines.shapes import items, mapping
from os2cli.providers.loopback import port_conflict

# The engine copies what the machine wrote, which may be gigabytes.
COPY_SECONDS = 600.0


def start_moved(engine: Engine, inspection: Mapping[str, Any], port: int) -> str:
    """Start a stopped machine's container on another port, and return the new container's id.

    Raises:
        Conflict: the machine runs, or the port is taken.
    """
    machine = machine_from_inspection(inspection)
    if machine.state in (MachineState.RUNNING, MachineState.PAUSED):
        raise must_be_stopped(machine)
    first = str(inspection["Id"])
    client: Any = engine.client  # its stubs leave types out
    remove_copies(engine, first)
    holders = port_holders(engine, without=first)
    if port in holders or not is_free(port):
        raise port_conflict(port, holders.get(port), machine.name)
    with engine.errors(f"moving machine {machine.name} to port {port}"):
        image = client.keep_files(first, COPY_SECONDS)
        name = f"{container_name(machine.name)}-{secrets.token_hex(4)}"
        try:
            request = _request(inspection, image, port)
            second = str(client.create_container_from_config(request, name)["Id"])
            start_container(engine, second, port)
            # Its volumes are the second one's now.
            client.remove_container(first, v=False, force=True)
        except BaseException:
            with apart(HURRIED_SECONDS):
                _remove(engine, name)
                drop_unused_image(client, image)
            raise
        client.rename(second, container_name(machine.name))
    # That of an earlier move.
    drop_unused_image(client, str(inspection.get("Image")))
    return second


def remove_copies(engine: Engine, first: str) -> None:
    """Remove the containers that a killed os2 made of one, but not their volumes."""
    with engine.errors("looking for what a move left"):
        filters = {"label": [f"{labels.MOVED}={first}"]}
        for container in items(engine.client.containers(all=True, filters=filters)):
            if mapping(container, "Labels").get(labels.MOVED) == first:
                _remove(engine, str(container["Id"]))
                drop_unused_image(engine.client, str(container.get("ImageID")))


def without_copies(listed: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the containers that are machines: a copy is one once its first is gone."""
    ids = {str(each["Id"]) for each in listed}
    return [each for each in listed if mapping(each, "Labels").get(labels.MOVED) not in ids]


def _remove(engine: Engine, container: str) -> None:
    with tidying():
        engine.client.remove_container(container, v=False, force=True)


def _request(inspection: Mapping[str, Any], image: str, port: int) -> dict[str, Any]:
    """Return the request for a container as the first, with its files and another port."""
    config, host = inspection["Config"], inspection["HostConfig"]
    bindings = {
        inside: [{**each, "HostPort": str(port)} for each in addresses or ()]
        for inside, addresses in (host.get("PortBindings") or {}).items()
    }
    marks = {labels.PORT: str(port), labels.MOVED: str(inspection["Id"])}
    return {
        **config,
        "Image": image,
        "Labels": {**(config.get("Labels") or {}), **marks},
        "HostConfig": {
            **host,
            "PortBindings": bindings,
            "VolumesFrom": [str(inspection["Id"])],
        },
    }
