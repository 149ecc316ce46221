"""The ports of this host that containers have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from os2cli.core.defaults import DAEMON_PORT
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.listener import is_forwarded


def port_holders(engine: Engine, without: str = "") -> dict[int, str]:
    """Return each host port that a container has or will need when it starts, with its holder.

    ``without`` is the id of a container that does not count.
    """
    with engine.errors("listing the ports in use"):
        containers = engine.client.containers(all=True)
    holders: dict[int, str] = {}
    for container in containers:
        if container["Id"] == without:
            continue
        names = container.get("Names") or [container["Id"][:12]]
        marks = container.get("Labels") or {}
        reserved = [marks.get(labels.PORT, "")]
        reserved += [str(p.get("PublicPort", "")) for p in container.get("Ports") or []]
        for port in filter(str.isdigit, reserved):
            holders[int(port)] = f"container {str(names[0]).lstrip('/')}"
    return holders


def published_addresses(inspection: Mapping[str, Any]) -> dict[str, int]:
    """Return the addresses of this host on which the daemon is published, with its port."""
    bindings = (inspection["HostConfig"].get("PortBindings") or {}).get(f"{DAEMON_PORT}/tcp") or []
    return {
        str(binding.get("HostIp")): int(binding["HostPort"])
        for binding in bindings
        if str(binding.get("HostPort", "")).isdigit()
    }


def served_addresses(published: Mapping[str, int]) -> dict[str, int]:
    """Return the addresses at which a running machine is reached, and no one else."""
    return {
        address: port
        for address, port in published.items()
        if ":" not in address or is_forwarded(address, port)
    }
