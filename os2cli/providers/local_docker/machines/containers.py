"""Machines as containers: the requests to the engine, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import docker
from docker.errors import APIError

from os2cli.core.clock import EPOCH
from os2cli.core.defaults import DAEMON_PORT
from os2cli.core.errors import Conflict, NotFound
from os2cli.core.limits import Isolation
from os2cli.core.models import LOCAL_DOCKER, Health, Machine, MachineSpec, MachineState
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.images import full_name
from os2cli.providers.local_docker.machines.isolation import limits_in_force
from os2cli.providers.local_docker.machines.mount import REPOSITORY_MOUNT, mount_labels
from os2cli.providers.local_docker.machines.ports import (
    port_holders,
    published_addresses,
    served_addresses,
)
from os2cli.providers.local_docker.machines.refusals import port_refused
from os2cli.providers.loopback import machine_url, port_conflict

STOP_SECONDS = 10
NO_IPV6 = "engine_without_ipv6"

_STATES = {
    "created": MachineState.CREATING,
    "running": MachineState.RUNNING,
    "restarting": MachineState.RUNNING,
    "paused": MachineState.PAUSED,
    "exited": MachineState.STOPPED,
    "removing": MachineState.REMOVING,
    "dead": MachineState.FAILED,
}

# Exit codes of a container that was stopped: by itself, or by INT, KILL or TERM.
_KILLED = 137
_STOPPED_BY_SIGNAL = (0, 130, _KILLED, 143)


def container_name(machine: str) -> str:
    """Return the container's name, which the engine keeps unique."""
    return f"os2-{machine}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the engine puts around a container; by default nothing that the engine does not.

    ``host_options`` are arguments of ``create_host_config``, ``volumes`` directories in the
    container, and ``addresses`` those of this host on which its port is published. ``pools`` are
    the addresses that the engine is configured to give to networks, ``hosts`` names that the
    container knows.
    """

    host_options: Mapping[str, Any] = field(default_factory=dict)
    network: str | None = None
    volumes: Sequence[str] = ()
    addresses: Sequence[str] = ("127.0.0.1",)
    pools: Sequence[str] = ()
    hosts: Mapping[str, str] = field(default_factory=dict)

    def without_ipv6(self) -> Surroundings:
        """Return the same for an engine that publishes on IPv4 only."""
        return replace(self, addresses=[each for each in self.addresses if ":" not in each])


def container_request(
    client: docker.APIClient,
    spec: MachineSpec,
    port: int,
    created: datetime,
    surroundings: Surroundings,
) -> dict[str, Any]:
    """Return the keyword arguments of ``create_container`` for a machine on ``port``."""
    host_config = client.create_host_config(
        port_bindings={DAEMON_PORT: [(address, port) for address in surroundings.addresses]},
        network_mode=surroundings.network,
        extra_hosts={**surroundings.hosts} or None,
        **surroundings.host_options,
    )
    return {
        "image": spec.snapshot,
        "name": container_name(spec.name),
        "hostname": spec.name[:63],
        "environment": machine_environment(spec),
        "labels": machine_labels(spec, port, created),
        "ports": [DAEMON_PORT],
        # A volume is also writable for the engine on a read-only root.
        "volumes": [*surroundings.volumes, *([REPOSITORY_MOUNT] if spec.mount_repo else [])],
        "host_config": host_config,
    }


def machine_environment(spec: MachineSpec) -> dict[str, str]:
    """Return our default variables, overridden by the user's."""
    return {
        "ITERATE_DEV": "true",
        "OS2_MACHINE_NAME": spec.name,
        "OS2_SNAPSHOT": spec.snapshot,
        **spec.env,
    }


def machine_labels(spec: MachineSpec, port: int, created: datetime) -> dict[str, str]:
    """Return the user's labels, overridden by ours."""
    marks = labels.of_machine(spec, LOCAL_DOCKER, created)
    return {
        **marks,
        labels.PORT: str(port),
        labels.ISOLATION: spec.isolation.value,
        **mount_labels(spec),
    }


def machine_from_inspection(inspection: Mapping[str, Any]) -> Machine:
    """Return the machine of a container, from the engine's inspection of it."""
    marks: dict[str, str] = inspection["Config"].get("Labels") or {}
    state = inspection["State"]
    name = marks.get(labels.NAME) or str(inspection["Name"]).lstrip("/")
    addresses = published_addresses(inspection)
    port = next(iter(addresses.values()), None)
    if state.get("Status") == "running":
        addresses = served_addresses(addresses)
    return Machine(
        id=inspection["Id"],
        name=name,
        type=LOCAL_DOCKER,
        stage=marks.get(labels.STAGE, ""),
        state=_state(state),
        snapshot=marks.get(labels.SNAPSHOT, ""),
        owner=marks.get(labels.OWNER, ""),
        created=labels.moment(marks.get(labels.CREATED, ""))
        or labels.moment(inspection["Created"])
        or EPOCH,
        url=machine_url(name, port, addresses) if port else None,
        port=port,
        labels=labels.users_own(marks),
        health=_health(state),
        expires=labels.moment(marks.get(labels.EXPIRES, "")),
        startable=state.get("Status") != "dead",
        isolation=_isolation(marks),
        limits=limits_in_force(inspection["HostConfig"]),
        memory_kills=int(state.get("OOMKilled") is True),
        repository=marks.get(labels.IMAGE_REPOSITORY) or None,
        image_key=_image_key(marks),
        has_mount=labels.MOUNT in marks,
    )


def _image_key(marks: Mapping[str, str]) -> str | None:
    """Return the key of the image if os2 built it; one built FROM ours has its labels too."""
    ours = marks.get(labels.IMAGE_NAME) == full_name(marks.get(labels.SNAPSHOT, ""))
    return marks.get(labels.IMAGE_KEY) if ours else None


def machine_name(inspection: Mapping[str, Any]) -> str | None:
    """Return the name of the machine that a container is; None for a foreign container."""
    marks = inspection["Config"].get("Labels") or {}
    if marks.get(labels.MACHINE) != "1":
        return None
    return marks.get(labels.NAME) or str(inspection["Name"]).lstrip("/")


def request_of(inspection: Mapping[str, Any]) -> str:
    """Return the mark of the create that made the container."""
    return str((inspection["Config"].get("Labels") or {}).get(labels.REQUEST, ""))


def start_container(
    engine: Engine, container: str, port: int | None, machine: str | None = None
) -> None:
    """Start a machine's container; raises ``Conflict`` if another program has its port.

    ``machine`` is its name if it exists already, with its port. The code is ``NO_IPV6`` if the
    engine cannot publish the port on IPv6's loopback. A ``UsageError`` is about a port that the
    engine may not open.
    """
    try:
        engine.client.start(container)
    except APIError as error:
        message = str(error.explanation or error)
        if port and ("port is already allocated" in message or "address already in use" in message):
            others = port_holders(engine, without=container)
            raise port_conflict(port, others.get(port), machine) from error
        if port and (refused := port_refused(port, message)):
            raise refused from error
        if "::1" in message:
            raise Conflict(
                f"the engine cannot publish on [::1]: {message}",
                hint="os2 creates a machine without it if the engine says so",
                code=NO_IPV6,
            ) from error
        raise


def remove_container(engine: Engine, container: str) -> None:
    """Remove a container and its anonymous volumes."""
    try:
        with engine.errors("removing a machine"):
            engine.client.remove_container(container, v=True, force=True)
    except (NotFound, Conflict):
        # It is gone, or another process is removing it; callers check.
        return


def _state(state: Mapping[str, Any]) -> MachineState:
    known, code = _STATES.get(str(state.get("Status")), MachineState.UNKNOWN), state.get("ExitCode")
    if known is not MachineState.STOPPED:
        return known
    # The kernel also kills with the signal that the engine stops with in the end.
    killed = code == _KILLED and state.get("OOMKilled") is True
    return MachineState.FAILED if killed or code not in _STOPPED_BY_SIGNAL else known


def _health(state: Mapping[str, Any]) -> Health:
    if state.get("Status") != "running":
        return Health.NONE
    health = (state.get("Health") or {}).get("Status")
    return Health.HEALTHY if health == "healthy" else Health.STARTING


def _isolation(marks: Mapping[str, str]) -> Isolation:
    try:
        return Isolation(marks.get(labels.ISOLATION, ""))
    except ValueError:
        # An os2 without this label left everything to the engine.
        return Isolation.OFF
