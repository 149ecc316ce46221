"""The machine provider for a Docker engine."""

from __future__ import annotations

import time
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from os2cli.certificates import HostCertificates
from os2cli.errors import Conflict, NotFound, OperationFailed
from os2cli.interrupts import deferred
from os2cli.locks import exclusive
from os2cli.models import Health, Machine, MachineSpec, MachineState, MachineType
from os2cli.progress import SILENT, Progress
from os2cli.providers.local_docker import labels
from os2cli.providers.local_docker.containers import (
    STOP_SECONDS,
    container_name,
    container_request,
    machine_from_inspection,
)
from os2cli.providers.local_docker.engine import Engine
from os2cli.providers.local_docker.images import drop_unused_image
from os2cli.providers.local_docker.ports import candidate_ports, is_free
from os2cli.providers.local_docker.trust import trust_host_certificates

HEALTH_PATH = "/api/health"
PROBE_SECONDS = 2.0
PORT_ATTEMPTS = 50
REMOVAL_SECONDS = 10.0


class LocalDockerMachines:
    """Containers that carry our labels; every other container is left alone.

    ``lock_dir`` is where creates of one name meet; ``certificates`` are the host's extra ones,
    which every machine shall trust.
    """

    type = MachineType.LOCAL_DOCKER

    def __init__(self, engine: Engine, lock_dir: Path, certificates: HostCertificates) -> None:
        self.engine = engine
        self.lock_dir = lock_dir
        self.certificates = certificates

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        """Create and start a container on a port of its own; nothing is left when that fails."""

        def refuse() -> None:
            raise Conflict(
                f"machine {spec.name} is being created by another os2",
                hint="wait until that is done, or choose another name",
                code="machine_busy",
            )

        with exclusive(self.lock_dir, f"machine {spec.name}", on_busy=refuse):
            self._clear_name(spec.name)
            for port in self._ports(spec):
                container = self._try_port(spec, port)
                if container is not None:
                    return self._inspect(container)
                progress.status(f"port {port} was taken meanwhile, trying the next")
        raise Conflict(
            f"no free port for machine {spec.name}",
            hint="remove machines that are no longer needed: os2 machine rm NAME",
            code="port_taken",
        )

    def list(self) -> list[Machine]:
        """Every container with our label, whatever its state."""
        with self.engine.errors("listing the machines"):
            found = self.engine.client.containers(
                all=True, filters={"label": [f"{labels.MACHINE}=1"]}, quiet=True
            )
        machines = []
        for item in found:
            # One that is removed between the two requests is simply not there any more.
            try:
                machines.append(self._inspect(item["Id"]))
            except NotFound:
                continue
        return sorted(machines, key=lambda machine: machine.name)

    def get(self, name: str) -> Machine:
        """The container of that machine; one of the same name that isn't ours is no machine."""
        machine = self._find(name)
        if machine is None:
            raise NotFound(
                f"there is no machine named {name}",
                hint="os2 machine list shows those that exist",
                code="machine_not_found",
            )
        return machine

    def start(self, name: str) -> Machine:
        """Start the container again on the port that was written into it."""
        machine = self.get(name)
        with self.engine.errors(f"starting machine {name}"):
            if machine.state is MachineState.PAUSED:
                self.engine.client.unpause(machine.id)
            elif machine.state is not MachineState.RUNNING:
                self._start_container(machine.id, name, machine.port)
        return self._inspect(machine.id)

    def stop(self, name: str) -> Machine:
        """Stop the container; its files and its port stay reserved."""
        machine = self.get(name)
        if machine.state in (MachineState.RUNNING, MachineState.PAUSED):
            with self.engine.errors(f"stopping machine {name}"):
                self.engine.client.stop(machine.id, timeout=STOP_SECONDS)
        return self._inspect(machine.id)

    def remove(self, name: str) -> bool:
        """Remove the container and its volumes, and look that it is gone."""
        machine = self._find(name)
        if machine is None:
            return False
        with self.engine.errors(f"removing machine {name}"):
            image = self.engine.client.inspect_container(machine.id)["Image"]
        self._remove_container(machine.id)
        deadline = time.monotonic() + REMOVAL_SECONDS
        while (left := self._find(name)) is not None and left.id == machine.id:
            if time.monotonic() > deadline:
                raise OperationFailed(
                    f"machine {name} is still there {REMOVAL_SECONDS:.0f} s after its removal",
                    hint="os2 doctor checks the engine",
                )
            time.sleep(0.1)
        drop_unused_image(self.engine.client, image)
        return True

    def probe(self, machine: Machine) -> Health:
        """Ask the daemon through the published port, as its user would."""
        if machine.state is not MachineState.RUNNING or machine.port is None:
            return Health.NONE
        import httpx

        try:
            # The environment's proxy settings must not carry loopback traffic away.
            answer = httpx.get(
                f"http://127.0.0.1:{machine.port}{HEALTH_PATH}",
                timeout=PROBE_SECONDS,
                trust_env=False,
            )
        except httpx.HTTPError:
            return Health.STARTING
        return Health.HEALTHY if answer.is_success else Health.STARTING

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """The end of what the container wrote on stdout and stderr."""
        machine = self.get(name)
        with self.engine.errors(f"reading the log of machine {name}"):
            raw: bytes = self.engine.client.logs(machine.id, tail=lines, stdout=True, stderr=True)
        return tuple(raw.decode(errors="replace").splitlines())

    def _inspect(self, container: str) -> Machine:
        with self.engine.errors("reading a machine's state"):
            return machine_from_inspection(self.engine.client.inspect_container(container))

    def _find(self, name: str) -> Machine | None:
        try:
            with self.engine.errors(f"looking for machine {name}"):
                found = self.engine.client.inspect_container(container_name(name))
        except NotFound:
            return None
        return machine_from_inspection(found) if _is_ours(found) else None

    def _clear_name(self, name: str) -> None:
        """Make sure that the name is free.

        A container of ours that was never started, whose creator no longer holds the lock, is
        what a killed create left behind.
        """
        try:
            with self.engine.errors(f"looking for machine {name}"):
                found = self.engine.client.inspect_container(container_name(name))
        except NotFound:
            return
        if not _is_ours(found):
            raise Conflict(
                f"a container named {container_name(name)} exists that os2 did not make",
                hint="choose another machine name, or rename that container",
                code="name_taken",
            )
        if found["State"]["Status"] == "created":
            self._remove_container(found["Id"])
            return
        raise _machine_exists(name)

    def _ports(self, spec: MachineSpec) -> Iterator[int]:
        holders = self._port_holders()
        if spec.port is None:
            attempts = range(PORT_ATTEMPTS)
            return (port for _, port in zip(attempts, candidate_ports(holders), strict=False))
        if spec.port in holders or not is_free(spec.port):
            raise port_conflict(spec.port, holders.get(spec.port))
        return iter((spec.port,))

    def _port_holders(self) -> dict[int, str]:
        """Each host port that a container has, or will want when it is started again."""
        with self.engine.errors("looking which ports are taken"):
            containers = self.engine.client.containers(all=True)
        holders: dict[int, str] = {}
        for container in containers:
            names = container.get("Names") or [container["Id"][:12]]
            marks = container.get("Labels") or {}
            reserved = [marks.get(labels.PORT, "")]
            reserved += [str(p.get("PublicPort", "")) for p in container.get("Ports") or []]
            for port in filter(str.isdigit, reserved):
                holders[int(port)] = f"container {str(names[0]).lstrip('/')}"
        return holders

    def _try_port(self, spec: MachineSpec, port: int) -> str | None:
        """The running container's id, or None when somebody else took the port meanwhile."""
        doing = f"creating machine {spec.name}"
        with self.engine.errors(doing), self._undone_on_failure() as made:
            with deferred():
                container = self._create_container(spec, port)
                made.append(container)
            trust_host_certificates(self.engine.client, container, self.certificates)
            try:
                self._start_container(container, spec.name, port)
            except Conflict:
                if spec.port is not None:
                    raise
                self._remove_container(container)
                return None
            return container

    @contextmanager
    def _undone_on_failure(self) -> Iterator[MutableSequence[str]]:
        """Remove the containers named in the list when the block ends in any exception."""
        made: MutableSequence[str] = []
        try:
            yield made
        except BaseException:
            for container in made:
                self._remove_container(container)
            raise

    def _create_container(self, spec: MachineSpec, port: int) -> str:
        from docker.errors import APIError

        request = container_request(self.engine.client, spec, port, datetime.now(UTC))
        try:
            container: str = self.engine.client.create_container(**request)["Id"]
        except APIError as error:
            # Podman answers 500 where Docker answers 409.
            if "already in use" in str(error.explanation or error):
                raise _machine_exists(spec.name) from error
            if error.status_code == 404:
                raise NotFound(
                    f"there is no image {spec.snapshot} on the engine",
                    hint="build it: os2 snapshot local-docker",
                    code="image_not_found",
                ) from error
            raise
        return container

    def _start_container(self, container: str, name: str, port: int | None) -> None:
        from docker.errors import APIError

        try:
            self.engine.client.start(container)
        except APIError as error:
            said = str(error.explanation or error)
            if "port is already allocated" in said or "address already in use" in said:
                holder = self._port_holders().get(port or 0)
                ours = f"container {container_name(name)}"
                raise port_conflict(port or 0, None if holder == ours else holder) from error
            raise

    def _remove_container(self, container: str) -> None:
        try:
            with self.engine.errors("removing a machine"):
                self.engine.client.remove_container(container, v=True, force=True)
        except (NotFound, Conflict):
            # It is gone, or somebody removes it at this moment; `remove` looks again.
            return


def port_conflict(port: int, holder: str | None) -> Conflict:
    """The error for a port that somebody else has."""
    return Conflict(
        f"port {port} is in use by {holder or 'another program on this host'}",
        hint="choose another with --port, or leave --port out to get a free one",
        code="port_taken",
        details={"port": port, "holder": holder},
    )


def _machine_exists(name: str) -> Conflict:
    return Conflict(
        f"machine {name} exists already",
        hint=f"use it: os2 machine show {name}, or remove it first: os2 machine rm {name}",
        code="machine_exists",
    )


def _is_ours(found: dict[str, Any]) -> bool:
    return (found["Config"].get("Labels") or {}).get(labels.MACHINE) == "1"
