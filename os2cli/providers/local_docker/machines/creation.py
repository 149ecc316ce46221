"""Creating a machine's container: on a free name and port, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

from docker.errors import APIError

from os2cli.core.errors import Conflict, NotFound, UsageError
from os2cli.core.models import MachineSpec
from os2cli.core.progress import Progress
from os2cli.host.certificates import HostCertificates
from os2cli.host.interrupts import deferred
from os2cli.host.ports import candidate_ports, is_free
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.containers import (
    NO_IPV6,
    Surroundings,
    container_name,
    container_request,
    is_ours,
    port_holders,
    remove_container,
    start_container,
)
from os2cli.providers.local_docker.machines.networks import remove_networks
from os2cli.providers.local_docker.machines.surroundings import surroundings_for
from os2cli.providers.local_docker.machines.trust import trust_host_certificates
from os2cli.providers.loopback import port_conflict

PORT_ATTEMPTS = 50


class ContainerCreation:
    """The creation of a machine; the caller holds the lock of its name."""

    def __init__(self, engine: Engine, certificates: HostCertificates) -> None:
        self.engine = engine
        self.certificates = certificates

    def create(self, spec: MachineSpec, progress: Progress) -> str:
        """Create and start the container and return its id; a failure leaves none behind."""
        self._clear_name(spec.name)
        certificates = bool(self.certificates.pems)
        created = datetime.now(UTC)
        with surroundings_for(self.engine, spec, created, certificates=certificates) as around:
            return self._on_some_port(spec, around, progress)

    def _on_some_port(self, spec: MachineSpec, around: Surroundings, progress: Progress) -> str:
        for port in self._ports(spec):
            container = self._try_port(spec, port, around, progress)
            if container is not None:
                return container
            progress.status(f"port {port} is taken, trying the next one")
        raise Conflict(
            f"no free port for machine {spec.name}",
            hint="remove machines that you no longer need: os2 machine rm NAME",
            code="port_taken",
        )

    def _clear_name(self, name: str) -> None:
        """Make sure that the name is free.

        A container of ours that never started, and whose creator does not hold the lock, is a
        leftover of a killed create.
        """
        try:
            with self.engine.errors(f"looking for machine {name}"):
                inspection = self.engine.client.inspect_container(container_name(name))
        except NotFound:
            remove_networks(self.engine, name)
            return
        if not is_ours(inspection):
            raise Conflict(
                f"container {container_name(name)} exists, but os2 did not create it",
                hint="choose another machine name, or rename that container",
                code="name_taken",
            )
        if inspection["State"]["Status"] == "created":
            remove_container(self.engine, inspection["Id"])
            remove_networks(self.engine, name)
            return
        raise _machine_exists(name)

    def _ports(self, spec: MachineSpec) -> Iterator[int]:
        holders = port_holders(self.engine)
        if spec.port is None:
            attempts = range(PORT_ATTEMPTS)
            return (port for _, port in zip(attempts, candidate_ports(holders), strict=False))
        if spec.port in holders or not is_free(spec.port):
            raise port_conflict(spec.port, holders.get(spec.port))
        return iter((spec.port,))

    def _try_port(
        self, spec: MachineSpec, port: int, around: Surroundings, progress: Progress
    ) -> str | None:
        """Return the running container's id, or None if another program took the port."""
        doing = f"creating machine {spec.name}"
        with self.engine.errors(doing), self._undone_on_failure(spec.name, progress) as created:
            with deferred():
                container = self._create_container(spec, port, around, progress)
                created.append(container)
            trust_host_certificates(self.engine.client, container, self.certificates)
            try:
                start_container(self.engine, container, spec.name, port)
            except Conflict as error:
                if error.code == NO_IPV6:
                    remove_container(self.engine, container)
                    return self._try_port(spec, port, around.without_ipv6(), progress)
                if spec.port is not None:
                    raise
                remove_container(self.engine, container)
                return None
            return container

    @contextmanager
    def _undone_on_failure(self, name: str, progress: Progress) -> Iterator[list[str]]:
        """Remove the containers in the yielded list if the block raises."""
        created: list[str] = []
        try:
            yield created
        except BaseException:
            if created:
                progress.notice(f"rolling back: removing {name}")
            for container in created:
                remove_container(self.engine, container)
            raise

    def _create_container(
        self, spec: MachineSpec, port: int, around: Surroundings, progress: Progress
    ) -> str:
        request = container_request(self.engine.client, spec, port, datetime.now(UTC), around)
        try:
            answer = self.engine.client.create_container(**request)
        except APIError as error:
            # Podman returns 500 where Docker returns 409.
            if "already in use" in str(error.explanation or error):
                raise _machine_exists(spec.name) from error
            if error.status_code == 404:
                raise NotFound(
                    f"image {spec.snapshot} not found on the engine",
                    hint="build it: os2 snapshot local-docker",
                    code="image_not_found",
                ) from error
            raise
        # Such as a limit that the kernel cannot enforce: the engine ignores it.
        for warning in answer.get("Warnings") or []:
            progress.warn(f"engine: {warning}")
        return str(answer["Id"])


def reject_remote(endpoint: Endpoint) -> None:
    """Reject an engine on another host: machines listen on its loopback only.

    Raises:
        UsageError: the engine is not on this host (``engine_not_local``).
    """
    host = urlsplit(endpoint.url).hostname
    if host is None or host == "localhost" or host.startswith("127.") or host == "::1":
        return
    raise UsageError(
        f"the Docker engine at {endpoint.url} ({endpoint.origin}) is on another host; "
        "its machines cannot be reached from here",
        hint="choose an engine on this host: --docker-host or `docker context use`",
        code="engine_not_local",
    )


def _machine_exists(name: str) -> Conflict:
    return Conflict(
        f"machine {name} already exists",
        hint=f"choose another name, or remove it: os2 machine rm {name}",
        code="machine_exists",
    )
