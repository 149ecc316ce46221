"""Machines on a Docker engine: what the command line needs to know of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from os2cli.core.errors import UsageError
from os2cli.core.models import LOCAL_DOCKER
from os2cli.machines.provider import MachineProvider
from os2cli.providers.entry import Material, ProviderContext, ProviderEntry
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.snapshots.catalog import Catalog

if TYPE_CHECKING:
    from os2cli.providers.local_docker.engine.engine import Engine
    from os2cli.providers.local_docker.images.build_logs import BuildLogs

# Every command loads this module: each function imports what it needs. What imports `ssl` or
# Docker's SDK takes 30 to 180 ms.


@cache
def endpoint(context: ProviderContext) -> Endpoint:
    """Return the address of the engine; raises ``UsageError`` for a wrong setting."""
    from os2cli.providers.local_docker.engine.endpoint import resolve_endpoint

    return resolve_endpoint(context.variables, context.home, docker_host=context.docker_host)


@cache
def engine(context: ProviderContext) -> Engine:
    """Return the engine, not contacted yet; raises ``UsageError`` for a wrong setting."""
    from os2cli.providers.local_docker.engine.engine import Engine

    return Engine(endpoint(context))


def machines(context: ProviderContext, stage: str | None) -> MachineProvider:
    """Return the provider; machine names are unique on the engine, across stages."""
    from os2cli.host.certificates import host_certificates
    from os2cli.providers.local_docker.machines.machines import LocalDockerMachines

    del stage
    return LocalDockerMachines(engine(context), context.state_dir / "locks", host_certificates())


def build_logs(context: ProviderContext) -> BuildLogs:
    """Return the logs of builds on the engine."""
    from os2cli.providers.local_docker.images.build_logs import BuildLogs

    return BuildLogs(context.state_dir / "build-logs")


def catalog(context: ProviderContext) -> Catalog:
    """Return the images that os2 built."""
    from os2cli.providers.local_docker.images.catalog import LocalImages

    return LocalImages(engine(context), build_logs(context))


def absent(context: ProviderContext) -> bool:
    """Return whether no setting names an engine and no known socket or port has one."""
    from os2cli.host.ports import is_free
    from os2cli.providers.local_docker.engine.endpoint import DEFAULT_TCP, DEFAULT_TCP_PORT

    try:
        return endpoint(context) == DEFAULT_TCP and is_free(DEFAULT_TCP_PORT)
    except UsageError:
        return False  # reported when the engine is used


ENTRY = ProviderEntry(
    type=LOCAL_DOCKER,
    material=Material.LOCAL_IMAGE,
    options=frozenset(
        {
            "--port",
            "--cpu",
            "--memory",
            "--mount-repo",
            "--build",
            "--allow-secrets",
            "--docker-host",
            "--snapshot",
        }
    ),
    machines=machines,
    absent=absent,
    catalog=catalog,
)
