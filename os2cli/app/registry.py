"""The providers of one invocation; nothing is contacted here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from os2cli.core.errors import UsageError
from os2cli.core.models import MachineType
from os2cli.machines.provider import MachineProvider
from os2cli.providers.daytona import entry as daytona_entry
from os2cli.providers.entry import ProviderContext, ProviderEntry, entries, set_up_here
from os2cli.providers.local_docker import entry as local_docker_entry
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.endpoint import resolve_endpoint
from os2cli.settings.settings import Settings
from os2cli.snapshots.building import ContentSource, SnapshotBuilder, SnapshotStore
from os2cli.snapshots.catalog import Catalog

if TYPE_CHECKING:
    from os2cli.host.certificates import HostCertificates
    from os2cli.providers.daytona.api.client import DaytonaClient
    from os2cli.providers.local_docker.engine.engine import Engine
    from os2cli.providers.local_docker.images.builder import LocalDockerBuilder


class BuilderKind(StrEnum):
    """Where a snapshot's image is built, as in ``--builder``."""

    REMOTE = "remote"
    LOCAL = "local"


@dataclass(frozen=True)
class Providers:
    """Creates providers for one invocation; ``docker_host`` is the command line's.

    Modules of providers are imported where they are used: the engine's SDK, TLS and what reads
    certificates cost commands up to 0.2 s that need only one of them.
    """

    settings: Settings
    docker_host: str | None = None

    @cached_property
    def context(self) -> ProviderContext:
        """What every provider is created from."""
        return ProviderContext(
            variables=self.settings.variables,
            home=self.settings.home,
            state_dir=self.settings.state_dir,
            cache_dir=self.settings.cache_dir,
            daytona=self.settings.daytona,
            docker_host=self.docker_host,
        )

    def renewed(self, settings: Settings) -> Providers:
        """Return these providers with their connections, or new ones if the settings changed."""
        new = Providers(settings, self.docker_host)
        if settings != self.settings:
            return new
        # An invalid setting is reported each time it is used.
        with suppress(UsageError):
            endpoint = resolve_endpoint(
                settings.variables, settings.home, docker_host=self.docker_host
            )
            if endpoint != self.engine.endpoint:
                return new
        return self

    @property
    def engine(self) -> Engine:
        """The engine for local machines; raises ``UsageError`` for an invalid setting."""
        return local_docker_entry.engine(self.context)

    @property
    def endpoint(self) -> Endpoint:
        """The engine's address; raises ``UsageError`` for an invalid setting."""
        return self.engine.endpoint

    @property
    def daytona(self) -> DaytonaClient:
        """The client for Daytona's API."""
        return daytona_entry.client(self.context)

    def asked(self, type_: MachineType | None) -> list[ProviderEntry]:
        """Return the provider of a type, or all that are set up here."""
        if type_ is not None:
            return [entries()[type_]]
        return set_up_here(entries().values(), self.context)

    def machines(self, type_: MachineType, stage: str | None = None) -> MachineProvider:
        """Return the provider for machines of a type; shared names are unique within ``stage``."""
        return entries()[type_].machines(self.context, stage)

    def fleet(
        self, type_: MachineType | None, stage: str | None = None
    ) -> dict[MachineType, Callable[[], MachineProvider]]:
        """Return factories of the providers to ask."""
        types = [entry.type for entry in self.asked(type_)]
        return {t: cache(partial(self.machines, t, stage)) for t in types}

    def _with_catalog(self, type_: MachineType | None) -> list[ProviderEntry]:
        if type_ is not None:
            return [entries()[type_]]
        return set_up_here([e for e in entries().values() if e.catalog], self.context)

    def catalogs(self, type_: MachineType | None) -> dict[MachineType, Callable[[], Catalog]]:
        """Return factories of the catalogs to ask."""
        found: dict[MachineType, Callable[[], Catalog]] = {
            entry.type: cache(partial(entry.catalog, self.context))
            for entry in self._with_catalog(type_)
            if entry.catalog is not None
        }
        if type_ is not None and not found:
            raise UsageError(
                f"machines on {type_} need neither an image nor a snapshot",
                hint="leave --type out",
                code="option_invalid",
            )
        return found

    def builder(self) -> SnapshotBuilder:
        """Return the builder of local images."""
        from os2cli.host.certificates import host_certificates

        return self._local_docker_builder(host_certificates())

    def snapshots(self) -> SnapshotStore:
        """Return the store of published snapshots."""
        from os2cli.providers.daytona.snapshots.snapshots import DaytonaSnapshots

        return DaytonaSnapshots(self.daytona)

    def content_source(self, kind: BuilderKind, *, trust_host: bool = False) -> ContentSource:
        """Return the source of a snapshot's content.

        An image that is built here to be published does not trust this host's own certificate
        authorities, unless ``trust_host``: others run it.
        """
        match kind:
            case BuilderKind.REMOTE:
                from os2cli.providers.daytona.snapshots.remote_build import RemoteSource

                return RemoteSource(self.daytona)
            case BuilderKind.LOCAL:
                from os2cli.host.certificates import HostCertificates, host_certificates
                from os2cli.providers.daytona.snapshots.local_build import LocalSource

                certificates = host_certificates() if trust_host else HostCertificates()
                return LocalSource(self.daytona, self._local_docker_builder(certificates))

    def check_publishing(self) -> None:
        """Raise if publishing cannot succeed."""
        from os2cli.providers.daytona.snapshots.preflight import check_publishing

        check_publishing(self.daytona)

    def _local_docker_builder(self, certificates: HostCertificates) -> LocalDockerBuilder:
        from os2cli.providers.local_docker.images.builder import LocalDockerBuilder

        return LocalDockerBuilder(
            self.engine,
            self.settings.state_dir / "locks",
            self.settings.cache_dir,
            certificates,
            local_docker_entry.build_logs(self.context),
        )
