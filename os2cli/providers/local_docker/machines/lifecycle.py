"""Starting and removing a container, with the failures that machines have."""

from __future__ import annotations

from os2cli.core.errors import Conflict, NotFound
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.containers import container_name
from os2cli.providers.loopback import port_conflict


def start_container(engine: Engine, container: str, name: str, port: int | None) -> None:
    """Start a machine's container; raises ``Conflict`` when its port is somebody else's now."""
    from docker.errors import APIError

    try:
        engine.client.start(container)
    except APIError as error:
        said = str(error.explanation or error)
        if port and ("port is already allocated" in said or "address already in use" in said):
            others = port_holders(engine)
            if others.get(port) == f"container {container_name(name)}":
                del others[port]
            raise port_conflict(port, others.get(port)) from error
        raise


def remove_container(engine: Engine, container: str) -> None:
    """Ask for a container's removal, its anonymous volumes included."""
    try:
        with engine.errors("removing a machine"):
            engine.client.remove_container(container, v=True, force=True)
    except (NotFound, Conflict):
        # It is gone, or somebody removes it at this moment; who needs it gone looks again.
        return


def port_holders(engine: Engine) -> dict[int, str]:
    """Each host port that a container has, or will want when it is started again."""
    with engine.errors("looking which ports are taken"):
        containers = engine.client.containers(all=True)
    holders: dict[int, str] = {}
    for container in containers:
        names = container.get("Names") or [container["Id"][:12]]
        marks = container.get("Labels") or {}
        reserved = [marks.get(labels.PORT, "")]
        reserved += [str(p.get("PublicPort", "")) for p in container.get("Ports") or []]
        for port in filter(str.isdigit, reserved):
            holders[int(port)] = f"container {str(names[0]).lstrip('/')}"
    return holders
