"""The machine provider for a Docker engine."""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from os2cli.core.errors import Conflict, NotFound, TimedOut
from os2cli.core.limits import Usage, killed_for_memory
from os2cli.core.models import (
    LOCAL_DOCKER,
    Address,
    Command,
    Health,
    LogRequest,
    Machine,
    MachineSpec,
    MachineState,
    Streams,
)
from os2cli.core.notices import NOTICES
from os2cli.core.progress import SILENT, Progress
from os2cli.host.certificates import HostCertificates
from os2cli.host.locks import exclusive
from os2cli.host.tty import Terminal
from os2cli.providers import labels
from os2cli.providers.any_bytes import in_utf8
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.images import drop_unused_image
from os2cli.providers.local_docker.machines.containers import (
    STOP_SECONDS,
    container_name,
    is_ours,
    machine_from_inspection,
    remove_container,
    start_container,
)
from os2cli.providers.local_docker.machines.creation import ContainerCreation, reject_remote
from os2cli.providers.local_docker.machines.executions import LOGIN_SHELL, Execution
from os2cli.providers.local_docker.machines.logs import container_log
from os2cli.providers.local_docker.machines.networks import (
    networks_left,
    remove_left,
    remove_networks,
)
from os2cli.providers.local_docker.machines.stats import container_usage, memory_kills
from os2cli.providers.loopback import probe_published, published_address, require_running
from os2cli.providers.service_log import service_log
from os2cli.providers.tar import pack, unpack

PROBE_SECONDS = 2.0
REMOVAL_SECONDS = 10.0


class LocalDockerMachines:
    """Containers with our labels; other containers are ignored.

    ``lock_dir`` keeps the locks of names; ``certificates`` are the host's extra ones, which every
    machine trusts.
    """

    type = LOCAL_DOCKER
    poll_seconds = 0.1

    def __init__(self, engine: Engine, lock_dir: Path, certificates: HostCertificates) -> None:
        self.engine = engine
        self.lock_dir = lock_dir
        self.certificates = certificates

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        """Create and start a container on its own port; a failure leaves nothing behind."""
        reject_remote(self.engine.endpoint)

        def refuse() -> None:
            raise Conflict(
                f"another os2 process is creating machine {spec.name}",
                hint="wait for it, or choose another name",
                code="machine_busy",
            )

        with exclusive(self.lock_dir, f"machine {spec.name}", on_busy=refuse):
            creation = ContainerCreation(self.engine, self.certificates)
            return self._inspect(creation.create(spec, progress))

    def list(self) -> list[Machine]:
        """Return every container with our label, in any state."""
        with self.engine.errors("listing the machines"):
            containers = self.engine.client.containers(
                all=True, filters={"label": [f"{labels.MACHINE}=1"]}, quiet=True
            )
        machines = []
        for item in containers:
            # It may be removed between the two requests.
            try:
                machines.append(self._inspect(item["Id"]))
            except NotFound:
                continue
        return sorted(machines, key=lambda machine: machine.name)

    def get(self, name: str) -> Machine:
        """Return the machine of that name; a foreign container is not a machine."""
        machine = self._find(name)
        if machine is None:
            raise NotFound(
                f"machine {name} not found",
                hint="list the machines: os2 machine list",
                code="machine_not_found",
            )
        return machine

    def start(self, name: str, within: float | None = None) -> Machine:
        """Start the container on the port it was created with."""
        del within  # the engine answers when it is done
        machine = self.get(name)
        with self.engine.errors(f"starting machine {name}"):
            if machine.state is MachineState.PAUSED:
                self.engine.client.unpause(machine.id)
            elif machine.state is not MachineState.RUNNING:
                start_container(self.engine, machine.id, name, machine.port)
        return self._inspect(machine.id)

    def stop(self, name: str, within: float | None = None) -> Machine:
        """Stop the container; it keeps its files and its port."""
        machine = self.get(name)
        if machine.state in (MachineState.RUNNING, MachineState.PAUSED):
            seconds = max(1, int(min(within or STOP_SECONDS, STOP_SECONDS)))
            with self.engine.errors(f"stopping machine {name}"):
                self.engine.client.stop(machine.id, timeout=seconds)
        return self._inspect(machine.id)

    def archive(self, name: str, within: float | None = None) -> Machine:
        """Stop it: containers have no archive."""
        return self.stop(name, within)

    def remove(self, name: str, within: float | None = None) -> bool:
        """Remove the container and its volumes, and wait until they are gone."""
        machine = self._find(name)
        if machine is None:
            return remove_left(self.engine, self.lock_dir, name)
        with self.engine.errors(f"removing machine {name}"):
            image = self.engine.client.inspect_container(machine.id)["Image"]
        remove_container(self.engine, machine.id)
        seconds = within or REMOVAL_SECONDS
        deadline = time.monotonic() + seconds
        while (left := self._find(name)) is not None and left.id == machine.id:
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"timed out after {seconds:g} s waiting for machine {name} to be removed",
                    hint="check the engine: os2 doctor",
                )
            time.sleep(0.1)
        remove_networks(self.engine, name)
        drop_unused_image(self.engine.client, image)
        return True

    def remnants(self) -> builtins.list[Machine]:
        """Return machines of which only the network is left."""
        return networks_left(self.engine)

    def usage(self, machine: Machine, *, disk: bool) -> Usage:
        """Ask the engine."""
        return container_usage(self.engine, machine, disk=disk)

    def memory_kills(self, machine: Machine) -> int:
        """Read the kernel's count in the machine."""
        return memory_kills(self.engine, machine)

    def probe(self, machine: Machine) -> Health:
        """Request the daemon's health through the published port."""
        return probe_published(machine, PROBE_SECONDS)

    def address(self, machine: Machine) -> str | None:
        """Return the URL on this host."""
        return machine.url

    def reach(self, machine: Machine, port: int, signed_seconds: int | None = None) -> Address:
        """Return the published port's address; other services answer behind it by name."""
        return published_address(machine, port, PROBE_SECONDS, signed_seconds)

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """Return the end of the container's output."""
        return tuple(container_log(self.engine, self.get(name).id, LogRequest(tail=lines)))

    def logs(self, name: str, request: LogRequest) -> Iterator[str]:
        """Return the container's output, or the log file of a service."""
        if request.service is None:
            return container_log(self.engine, self.get(name).id, request)
        return self._service_log(name, request)

    def _service_log(self, name: str, request: LogRequest) -> Iterator[str]:
        doing = f"reading the log of service {request.service}"
        return service_log(self._execution(name, doing), name, request)

    def execute(self, name: str, command: Command, streams: Streams) -> int:
        """Run a program in the container."""
        doing = f"running {command.argv[0]} in machine {name}"
        machine = require_running(self.get(name))
        execution = Execution(self.engine, machine.id, doing)
        code = execution.run(in_utf8(command), streams)
        if execution.memory_kills:
            NOTICES.warn(f"machine {name}: {killed_for_memory(machine.limits)}")
        return code

    def shell(self, name: str, terminal: Terminal) -> int:
        """Run a login shell in the container."""
        doing = f"opening a shell in machine {name}"
        command = Command(LOGIN_SHELL, {"TERM": terminal.kind})
        with self.engine.errors(doing):
            return self._execution(name, doing).attach(terminal, command)

    def send(self, name: str, archive: BinaryIO, folder: str) -> None:
        """Unpack a tar with the container's own program, as the container's user."""
        unpack(self._execution(name, f"copying to machine {name}"), name, archive, folder)

    def fetch(self, name: str, path: str) -> Iterator[bytes]:
        """Pack a file or a folder with the container's own program."""
        execution = self._execution(name, f"copying {path} from machine {name}")
        yield from pack(execution, name, path)

    def _execution(self, name: str, doing: str) -> Execution:
        """Return what runs programs in the machine; raise ``Conflict`` if it is not running."""
        return Execution(self.engine, require_running(self.get(name)).id, doing)

    def _inspect(self, container: str) -> Machine:
        with self.engine.errors("reading a machine's state"):
            return machine_from_inspection(self.engine.client.inspect_container(container))

    def _find(self, name: str) -> Machine | None:
        try:
            with self.engine.errors(f"looking for machine {name}"):
                inspection = self.engine.client.inspect_container(container_name(name))
        except NotFound:
            return None
        return machine_from_inspection(inspection) if is_ours(inspection) else None
