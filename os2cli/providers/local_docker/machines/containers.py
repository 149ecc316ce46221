"""Machines as containers: the requests to the engine, and what its answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import docker
from docker.errors import APIError

from os2cli.core.clock import EPOCH
from os2cli.core.defaults import DAEMON_PORT
from os2cli.core.errors import Conflict, NotFound, UsageError
from os2cli.core.models import LOCAL_DOCKER, Health, Machine, MachineSpec, MachineState
from os2cli.core.parsing import is_utf8
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.loopback import port_conflict

REPOSITORY_MOUNT = "/mnt/repo"
STOP_SECONDS = 10

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
_STOPPED_BY_SIGNAL = (0, 130, 137, 143)


def container_name(machine: str) -> str:
    """Return the container's name, which the engine keeps unique."""
    return f"os2-{machine}"


def container_request(
    client: docker.APIClient, spec: MachineSpec, port: int, created: datetime
) -> dict[str, Any]:
    """Return the keyword arguments of ``create_container`` for a machine on ``port``."""
    resources = spec.resources
    limits: dict[str, Any] = {}
    if resources.cpu is not None:
        limits["nano_cpus"] = round(resources.cpu * 1e9)
    if resources.memory_bytes is not None:
        # Without the second limit the engine adds the same amount of swap.
        limits["mem_limit"] = limits["memswap_limit"] = resources.memory_bytes
    binds: dict[str, Mapping[str, str]] | None = None
    if spec.mount_repo is not None:
        if not is_utf8(str(spec.mount_repo)):
            raise UsageError(
                "--mount-repo: the path of the repository is not UTF-8",
                hint="rename the directory, or create the machine without --mount-repo",
                code="text_not_utf8",
            )
        binds = {str(spec.mount_repo): {"bind": REPOSITORY_MOUNT, "mode": "ro"}}
    host_config = client.create_host_config(
        port_bindings={DAEMON_PORT: ("127.0.0.1", port)},
        binds=binds,
        **limits,
    )
    return {
        "image": spec.snapshot,
        "name": container_name(spec.name),
        "hostname": spec.name[:63],
        "environment": machine_environment(spec),
        "labels": machine_labels(spec, port, created),
        "ports": [DAEMON_PORT],
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
    return {**marks, labels.PORT: str(port)}


def machine_from_inspection(inspection: Mapping[str, Any]) -> Machine:
    """Return the machine of a container, from the engine's inspection of it."""
    marks: dict[str, str] = inspection["Config"].get("Labels") or {}
    state = inspection["State"]
    port = _published_port(inspection)
    return Machine(
        id=inspection["Id"],
        name=marks.get(labels.NAME) or str(inspection["Name"]).lstrip("/"),
        type=LOCAL_DOCKER,
        stage=marks.get(labels.STAGE, ""),
        state=_state(state),
        snapshot=marks.get(labels.SNAPSHOT, ""),
        owner=marks.get(labels.OWNER, ""),
        created=labels.moment(marks.get(labels.CREATED, ""))
        or labels.moment(inspection["Created"])
        or EPOCH,
        url=f"http://localhost:{port}" if port else None,
        port=port,
        labels=labels.users_own(marks),
        health=_health(state),
        expires=labels.moment(marks.get(labels.EXPIRES, "")),
        startable=state.get("Status") != "dead",
    )


def is_ours(inspection: Mapping[str, Any]) -> bool:
    """Return whether the container is a machine of os2."""
    return (inspection["Config"].get("Labels") or {}).get(labels.MACHINE) == "1"


def start_container(engine: Engine, container: str, name: str, port: int | None) -> None:
    """Start a machine's container; raises ``Conflict`` if another program has its port."""
    try:
        engine.client.start(container)
    except APIError as error:
        message = str(error.explanation or error)
        if port and ("port is already allocated" in message or "address already in use" in message):
            others = port_holders(engine)
            if others.get(port) == f"container {container_name(name)}":
                del others[port]
            raise port_conflict(port, others.get(port)) from error
        raise


def remove_container(engine: Engine, container: str) -> None:
    """Remove a container and its anonymous volumes."""
    try:
        with engine.errors("removing a machine"):
            engine.client.remove_container(container, v=True, force=True)
    except (NotFound, Conflict):
        # It is gone, or another process is removing it; callers check.
        return


def port_holders(engine: Engine) -> dict[int, str]:
    """Return each host port that a container has or will need when it starts, with its holder."""
    with engine.errors("listing the ports in use"):
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


def _state(state: Mapping[str, Any]) -> MachineState:
    known = _STATES.get(str(state.get("Status")), MachineState.UNKNOWN)
    if known is MachineState.STOPPED and state.get("ExitCode") not in _STOPPED_BY_SIGNAL:
        return MachineState.FAILED
    return known


def _health(state: Mapping[str, Any]) -> Health:
    if state.get("Status") != "running":
        return Health.NONE
    health = (state.get("Health") or {}).get("Status")
    return Health.HEALTHY if health == "healthy" else Health.STARTING


def _published_port(inspection: Mapping[str, Any]) -> int | None:
    bindings = (inspection["HostConfig"].get("PortBindings") or {}).get(f"{DAEMON_PORT}/tcp") or []
    for binding in bindings:
        if str(binding.get("HostPort", "")).isdigit():
            return int(binding["HostPort"])
    return None
