"""Which class stands behind each ``--type``; importing it here costs nothing until it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from os2cli.models import Endpoint, MachineType
from os2cli.providers.base import ContentSource, MachineProvider, SnapshotBuilder, SnapshotStore
from os2cli.settings import Settings

if TYPE_CHECKING:
    from os2cli.certificates import HostCertificates
    from os2cli.providers.daytona.client import DaytonaClient
    from os2cli.providers.local_docker.builder import LocalDockerBuilder
    from os2cli.providers.local_docker.engine import Engine


class BuilderKind(StrEnum):
    """Where a snapshot's image is built; the value is what ``--builder`` takes."""

    REMOTE = "remote"
    LOCAL = "local"


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

    @cached_property
    def daytona(self) -> DaytonaClient:
        """Daytona's API, not contacted yet."""
        from os2cli.providers.daytona.client import DaytonaClient

        return DaytonaClient(self.settings.daytona)

    def machines(self, type_: MachineType, stage: str | None = None) -> MachineProvider:
        """The provider for machines of a type; ``stage`` is what names on Daytona are within."""
        match type_:
            case MachineType.LOCAL_DOCKER:
                return self._local_docker_machines()
            case MachineType.DAYTONA:
                from os2cli.providers.daytona.machines import DaytonaMachines

                return DaytonaMachines(self.daytona, stage)

    def fleet(
        self, type_: MachineType | None, stage: str | None = None
    ) -> dict[MachineType, Callable[[], MachineProvider]]:
        """The providers of a type, or those that are set up here, each made when it is asked."""
        types = [type_] if type_ else [MachineType.LOCAL_DOCKER]
        if type_ is None and self.settings.daytona.configured:
            types.append(MachineType.DAYTONA)
        return {t: cache(partial(self.machines, t, stage)) for t in types}

    def builder(self) -> SnapshotBuilder:
        """The builder of local images."""
        from os2cli.certificates import host_certificates

        return self._local_docker_builder(host_certificates())

    def snapshots(self) -> SnapshotStore:
        """The snapshots that are published."""
        from os2cli.providers.daytona.snapshots import DaytonaSnapshots

        return DaytonaSnapshots(self.daytona)

    def content_source(self, kind: BuilderKind, *, trust_host: bool = False) -> ContentSource:
        """What makes a snapshot's content.

        An image that is built here to be published trusts no authority of this host's own, unless
        ``trust_host``: others run it.
        """
        match kind:
            case BuilderKind.REMOTE:
                from os2cli.providers.daytona.remote_build import RemoteSource

                return RemoteSource(self.daytona)
            case BuilderKind.LOCAL:
                from os2cli.certificates import HostCertificates, host_certificates
                from os2cli.providers.daytona.local_build import LocalSource

                certificates = host_certificates() if trust_host else HostCertificates()
                return LocalSource(self.daytona, self._local_docker_builder(certificates))

    def check_publishing(self) -> None:
        """Raise when publishing can't succeed."""
        from os2cli.providers.daytona.preflight import check_publishing

        check_publishing(self.daytona)

    def _local_docker_builder(self, certificates: HostCertificates) -> LocalDockerBuilder:
        from os2cli.providers.local_docker.builder import LocalDockerBuilder

        return LocalDockerBuilder(
            self.engine, self.settings.state_dir / "locks", self.settings.cache_dir, certificates
        )

    def _local_docker_machines(self) -> MachineProvider:
        from os2cli.certificates import host_certificates
        from os2cli.providers.local_docker.machines import LocalDockerMachines

        return LocalDockerMachines(
            self.engine, self.settings.state_dir / "locks", host_certificates()
        )
