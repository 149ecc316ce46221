"""Which class stands behind each ``--type``; importing it here costs nothing until it is used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from os2cli.models import Endpoint, MachineType
from os2cli.providers.base import MachineProvider, SnapshotBuilder
from os2cli.settings import Settings

if TYPE_CHECKING:
    from os2cli.providers.local_docker.engine import Engine


@dataclass(frozen=True)
class Providers:
    """Makes providers for one invocation; ``docker_host`` is the command line's."""

    settings: Settings
    docker_host: str | None = None

    @cached_property
    def endpoint(self) -> Endpoint:
        """The engine that local machines run on; raises ``UsageError`` for a wrong setting."""
        from os2cli.providers.local_docker.endpoint import resolve_endpoint

        return resolve_endpoint(
            self.settings.variables, self.settings.home, docker_host=self.docker_host
        )

    @cached_property
    def engine(self) -> Engine:
        """The engine behind the endpoint, not contacted yet."""
        from os2cli.providers.local_docker.engine import Engine

        return Engine(self.endpoint)

    def machines(self, type_: MachineType) -> MachineProvider:
        """The provider for machines of a type."""
        match type_:
            case MachineType.LOCAL_DOCKER:
                return self._local_docker_machines()

    def builder(self) -> SnapshotBuilder:
        """The builder of local images."""
        from os2cli.certificates import host_certificates
        from os2cli.providers.local_docker.builder import LocalDockerBuilder

        return LocalDockerBuilder(
            self.engine,
            self.settings.state_dir / "locks",
            self.settings.cache_dir,
            host_certificates(),
        )

    def _local_docker_machines(self) -> MachineProvider:
        from os2cli.certificates import host_certificates
        from os2cli.providers.local_docker.machines import LocalDockerMachines

        return LocalDockerMachines(
            self.engine, self.settings.state_dir / "locks", host_certificates()
        )
