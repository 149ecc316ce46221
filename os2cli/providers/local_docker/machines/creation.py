"""Creating a machine's container: on a free name and port, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from docker.errors import APIError

from os2cli.core.deadline import within
from os2cli.core.errors import Conflict, NotFound, OperationFailed, UsageError
from os2cli.core.limits import Isolation
from os2cli.core.models import MachineSpec
from os2cli.core.progress import Progress
from os2cli.core.waiting import allowed_seconds
from os2cli.host.certificates import HostCertificates
from os2cli.host.interrupts import BackgroundCall
from os2cli.host.ports import candidate_ports, is_free
from os2cli.machines.next_steps import needs_less_isolation
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import explanation
from os2cli.providers.local_docker.machines.containers import (
    NO_IPV6,
    Surroundings,
    container_name,
    container_request,
    machine_name,
    remove_container,
    request_of,
    start_container,
)
from os2cli.providers.local_docker.machines.finding import find_container, inspection_of
from os2cli.providers.local_docker.machines.mount import MOUNT_SECONDS, send_new
from os2cli.providers.local_docker.machines.name_locks import machine_busy, may_remove
from os2cli.providers.local_docker.machines.networks import create_network, remove_networks
from os2cli.providers.local_docker.machines.ports import port_holders
from os2cli.providers.local_docker.machines.surroundings import GATEWAY, surroundings_for
from os2cli.providers.local_docker.machines.trust import trust_host_certificates
from os2cli.providers.local_docker.machines.undoing import Undoing
from os2cli.providers.loopback import port_conflict

PORT_ATTEMPTS = 50
CREATE_SECONDS = 60.0

_Answer = TypeVar("_Answer")


class ContainerCreation:
    """The creation of a machine; the caller holds the lock of its name, which ``creator`` names."""

    def __init__(
        self,
        engine: Engine,
        certificates: HostCertificates,
        spec: MachineSpec,
        creator: str,
        progress: Progress,
    ) -> None:
        self.engine = engine
        self.certificates = certificates
        self.spec = spec
        self.creator = creator
        self.progress = progress
        self.around = Surroundings()
        self.undoing = Undoing(engine, spec.name, progress)

    def create(self) -> dict[str, Any]:
        """Create and start the container and return the engine's inspection of it.

        To be called inside ``undoing.on_failure``: a failure leaves a container and a network.
        """
        seconds = CREATE_SECONDS + (MOUNT_SECONDS if self.spec.mount_repo else 0.0)
        with within(allowed_seconds(seconds)):
            self._clear_name(self.spec.name)
            self.around = self._surroundings()
            for port in self._ports(self.spec):
                with self.engine.errors(f"creating machine {self.spec.name}"):
                    if (inspection := self._try_port(port)) is not None:
                        return inspection
                self.progress.status(f"port {port} is taken, trying the next one")
            raise Conflict(
                f"no free port for machine {self.spec.name}",
                hint="remove machines that you no longer need: os2 machine rm NAME",
                code="port_taken",
            )

    def _surroundings(self) -> Surroundings:
        certificates = bool(self.certificates.pems)
        around = surroundings_for(self.engine, self.spec, certificates=certificates)
        if self.spec.isolation is Isolation.OFF:
            return around
        network = self.undoing.network_of(
            lambda: create_network(self.engine, self.spec, around.pools, self._marks)
        )
        return replace(around, network=network)

    @property
    def _marks(self) -> dict[str, str]:
        """The labels that tell this create from others, on the network and the container."""
        return {labels.REQUEST: self.undoing.mark, labels.CREATOR: self.creator}

    def _clear_name(self, name: str) -> None:
        """Make sure that the name is free.

        A container of ours that never started, and whose creator does not hold the lock, is a
        leftover of a killed create; one of another creator may be, after a while.
        """
        inspection = find_container(self.engine, name)
        if inspection is None:
            self._check_container_name(container_name(name))
            remove_networks(self.engine, name, creator=self.creator)
            return
        if inspection["State"]["Status"] == "created":
            marks = inspection["Config"]["Labels"]
            if not may_remove(marks, creator=self.creator):
                raise machine_busy(name)
            remove_container(self.engine, inspection["Id"])
            remove_networks(self.engine, name, creator=self.creator, request=request_of(inspection))
            return
        raise _machine_exists(name)

    def _check_container_name(self, container: str) -> None:
        with self.engine.errors(f"looking for container {container}"):
            inspection = inspection_of(self.engine, container)
        if inspection is not None:
            other = machine_name(inspection)
            what = f"is machine {other}, renamed" if other else "exists, but os2 did not create it"
            raise Conflict(
                f"container {container} {what}",
                hint="choose another machine name, or rename that container",
                code="name_taken",
            )

    def _ports(self, spec: MachineSpec) -> Iterator[int]:
        holders = port_holders(self.engine)
        if spec.port is None:
            attempts = range(PORT_ATTEMPTS)
            return (port for _, port in zip(attempts, candidate_ports(holders), strict=False))
        if spec.port in holders or not is_free(spec.port):
            raise port_conflict(spec.port, holders.get(spec.port))
        return iter((spec.port,))

    def _try_port(self, port: int) -> dict[str, Any] | None:
        """Return the running container, or None if another program took the port."""
        client = self.engine.client
        try:
            container = self._create_container(port)
        except APIError as error:
            if not self._is_without_gateway(error):
                raise
            return self._try_port(port)
        self._wait_for(lambda: trust_host_certificates(client, container, self.certificates))
        if (root := self.spec.mount_repo) is not None:
            self._wait_for(lambda: send_new(self.engine, container, root))
        try:
            self._wait_for(lambda: start_container(self.engine, container, port))
        except Conflict as error:
            if error.code == NO_IPV6:
                remove_container(self.engine, container)
                self.around = self.around.without_ipv6()
                return self._try_port(port)
            if self.spec.port is not None:
                raise
            remove_container(self.engine, container)
            return None
        except (APIError, OperationFailed) as error:
            if self._is_without_gateway(error):
                remove_container(self.engine, container)
                return self._try_port(port)
            if isinstance(error, OperationFailed):
                error.hint = needs_less_isolation(self.spec, [error.message]) or error.hint
            raise
        inspection: dict[str, Any] = self._wait_for(lambda: client.inspect_container(container))
        return inspection

    def _is_without_gateway(self, error: APIError | OperationFailed) -> bool:
        """Return whether the engine has no address for this host's name, which is left out then."""
        refusal = error.message if isinstance(error, OperationFailed) else explanation(error)
        if GATEWAY not in refusal or not self.around.hosts:
            return False
        self.progress.warn(
            "the machine does not know host.docker.internal: the engine has no address for it: "
            f"{refusal}"
        )
        self.around = replace(self.around, hosts={})
        return True

    @staticmethod
    def _wait_for(request: Callable[[], _Answer]) -> _Answer:
        """Return the answer to a request; a signal or a cancelled job ends the wait at once."""
        return BackgroundCall(request).answer()

    def _create_container(self, port: int) -> str:
        client, now = self.engine.client, datetime.now(UTC)
        request = container_request(client, self.spec, port, now, self.around)
        request["labels"] = {**request["labels"], **self._marks}
        try:
            return self.undoing.answer_of(partial(self._post_create, self.engine.client, request))
        except APIError as error:
            # Podman returns 500 where Docker returns 409.
            if "already in use" in str(error.explanation or error):
                raise _machine_exists(self.spec.name) from error
            if error.status_code == 404:
                raise NotFound(
                    f"image {self.spec.snapshot} not found on the engine",
                    hint="build it: os2 snapshot local-docker",
                    code="image_not_found",
                ) from error
            raise

    def _post_create(self, client: EngineClient, request: Mapping[str, Any]) -> str:
        answer = client.create_container(**request)
        # Such as a limit that the kernel cannot enforce: the engine ignores it.
        for warning in answer.get("Warnings") or []:
            self.progress.warn(f"engine: {warning}")
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
