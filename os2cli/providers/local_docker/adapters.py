"""The adapters for one engine. They load Docker's SDK, so `entry` imports them when it must."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from os2cli.host.certificates import HostCertificates, host_certificates
from os2cli.providers.entry import ProviderContext
from os2cli.providers.local_docker.engine.endpoint import configured_endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.catalog import LocalImages
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines

if TYPE_CHECKING:
    from os2cli.providers.local_docker.images.builder import LocalDockerBuilder


@dataclass(frozen=True, eq=False)
class EngineAdapters:
    """What os2 does on the engine that a context names; none of it contacts the engine yet."""

    context: ProviderContext

    @cached_property
    def engine(self) -> Engine:
        """The engine; raises ``UsageError`` for a wrong setting."""
        return Engine(configured_endpoint(self.context))

    @property
    def _build_logs(self) -> BuildLogs:
        return BuildLogs(self.context.state_dir / "build-logs")

    def machines(self) -> LocalDockerMachines:
        """Return the provider; machine names are unique on the engine, across stages."""
        locks = self.context.state_dir / "locks"
        return LocalDockerMachines(self.engine, locks, host_certificates())

    def catalog(self) -> LocalImages:
        """Return the images that os2 built."""
        return LocalImages(self.engine, self._build_logs, self.context.state_dir / "locks")

    def builder(self, *, trust_host: bool = True) -> LocalDockerBuilder:
        """Return the builder of images, which trust this host's certificates if ``trust_host``."""
        # Machines and lists need none of what reads and builds a context.
        from os2cli.providers.local_docker.images.builder import LocalDockerBuilder

        return LocalDockerBuilder(
            self.engine,
            self.context.state_dir / "locks",
            self.context.cache_dir,
            host_certificates() if trust_host else HostCertificates(),
            self._build_logs,
        )
