"""The providers of one invocation; nothing is contacted here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from os2cli.core.errors import UsageError
from os2cli.core.models import MachineType, SnapshotResources
from os2cli.machines.provider import MachineProvider
from os2cli.providers.daytona import entry as daytona_entry
from os2cli.providers.entry import ProviderContext, ProviderEntry, entries, set_up_here
from os2cli.providers.local_docker import entry as local_docker_entry
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.endpoint import configured_endpoint, resolve_endpoint
from os2cli.settings.settings import Settings
from os2cli.snapshots.building import ContentSource, SnapshotBuilder, SnapshotStore
from os2cli.snapshots.catalog import Catalog

if TYPE_CHECKING:
    from os2cli.providers.daytona.api.client import DaytonaClient
    from os2cli.providers.local_docker.engine.engine import Engine


class BuilderKind(StrEnum):
    """Where a snapshot's image is built, as in ``--builder``."""

    REMOTE = "remote"
    LOCAL = "local"


@dataclass(frozen=True)
class Providers:
    """Creates providers for one invocation; ``docker_host`` is the command line's."""

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
            if endpoint != self.endpoint:
                return new
        return self

    @property
    def engine(self) -> Engine:
        """The engine for local machines; raises ``UsageError`` for an invalid setting."""
        return local_docker_entry.adapters(self.context).engine

    @property
    def endpoint(self) -> Endpoint:
        """The engine's address; raises ``UsageError`` for an invalid setting."""
        return configured_endpoint(self.context)

    @property
    def daytona(self) -> DaytonaClient:
        """The client for Daytona's API."""
        return daytona_entry.adapters(self.context).client

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
        return local_docker_entry.adapters(self.context).builder()

    def snapshots(self) -> SnapshotStore:
        """Return the store of published snapshots."""
        return daytona_entry.adapters(self.context).snapshots()

    def content_source(self, kind: BuilderKind, *, trust_host: bool = False) -> ContentSource:
        """Return the source of a snapshot's content.

        An image that is built here to be published does not trust this host's own certificate
        authorities, unless ``trust_host``: others run it.
        """
        # Each imports what only publishing needs; the local one Docker's SDK as well.
        match kind:
            case BuilderKind.REMOTE:
                from os2cli.providers.daytona.snapshots.remote_build import RemoteSource

                return RemoteSource(self.daytona)
            case BuilderKind.LOCAL:
                from os2cli.providers.daytona.snapshots.local_build import LocalSource

                builder = local_docker_entry.adapters(self.context).builder(trust_host=trust_host)
                return LocalSource(self.daytona, builder)

    def check_publishing(self, resources: SnapshotResources) -> None:
        """Raise if the API key cannot publish, or the resources exceed a limit that is known."""
        daytona_entry.adapters(self.context).check_publishing(resources)
