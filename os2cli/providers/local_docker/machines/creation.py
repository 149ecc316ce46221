"""Making a machine's container: a name that is free, a port that is free, or nothing at all."""

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
    container_name,
    container_request,
    is_ours,
    port_holders,
    remove_container,
    start_container,
)
from os2cli.providers.local_docker.machines.trust import trust_host_certificates
from os2cli.providers.loopback import port_conflict

PORT_ATTEMPTS = 50


class ContainerCreation:
    """One creation at a time of a name; the caller holds the name's lock."""

    def __init__(self, engine: Engine, certificates: HostCertificates) -> None:
        self.engine = engine
        self.certificates = certificates

    def create(self, spec: MachineSpec, progress: Progress) -> str:
        """Create and start the container and return its id; when that fails, none is left."""
        self._clear_name(spec.name)
        for port in self._ports(spec):
            container = self._try_port(spec, port, progress)
            if container is not None:
                return container
            progress.status(f"port {port} was taken meanwhile, trying the next")
        raise Conflict(
            f"no free port for machine {spec.name}",
            hint="remove machines that are no longer needed: os2 machine rm NAME",
            code="port_taken",
        )

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
        if not is_ours(found):
            raise Conflict(
                f"a container named {container_name(name)} exists that os2 did not make",
                hint="choose another machine name, or rename that container",
                code="name_taken",
            )
        if found["State"]["Status"] == "created":
            remove_container(self.engine, found["Id"])
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

    def _try_port(self, spec: MachineSpec, port: int, progress: Progress) -> str | None:
        """The running container's id, or None when somebody else took the port meanwhile."""
        doing = f"creating machine {spec.name}"
        with self.engine.errors(doing), self._undone_on_failure(spec.name, progress) as made:
            with deferred():
                container = self._create_container(spec, port, progress)
                made.append(container)
            trust_host_certificates(self.engine.client, container, self.certificates)
            try:
                start_container(self.engine, container, spec.name, port)
            except Conflict:
                if spec.port is not None:
                    raise
                remove_container(self.engine, container)
                return None
            return container

    @contextmanager
    def _undone_on_failure(self, name: str, progress: Progress) -> Iterator[list[str]]:
        """Remove the containers named in the list when the block ends in any exception."""
        made: list[str] = []
        try:
            yield made
        except BaseException:
            if made:
                progress.notice(f"removing what was created: {name}")
            for container in made:
                remove_container(self.engine, container)
            raise

    def _create_container(self, spec: MachineSpec, port: int, progress: Progress) -> str:

        request = container_request(self.engine.client, spec, port, datetime.now(UTC))
        try:
            answer = self.engine.client.create_container(**request)
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
        # Such as of a limit that the kernel can't keep: the engine goes on without it.
        for warning in answer.get("Warnings") or []:
            progress.warn(f"the engine says: {warning}")
        return str(answer["Id"])


def refuse_remote(endpoint: Endpoint) -> None:
    """A machine listens on the engine's own loopback: on another host nobody here reaches it."""
    host = urlsplit(endpoint.url).hostname
    if host is None or host == "localhost" or host.startswith("127.") or host == "::1":
        return
    raise UsageError(
        f"the Docker engine at {endpoint.url} ({endpoint.origin}) is on another host, "
        "where a machine would listen for that host only",
        hint="choose an engine on this host with --docker-host or `docker context use`",
        code="engine_not_local",
    )


def _machine_exists(name: str) -> Conflict:
    return Conflict(
        f"machine {name} exists already",
        hint=f"use it: os2 machine show {name}, or remove it first: os2 machine rm {name}",
        code="machine_exists",
    )
