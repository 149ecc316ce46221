"""Machines on a Docker engine: what the command line needs to know of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from os2cli.core.errors import UsageError
from os2cli.core.models import LOCAL_DOCKER
from os2cli.machines.provider import MachineProvider
from os2cli.providers.entry import Material, ProviderContext, ProviderEntry
from os2cli.snapshots.catalog import Catalog

if TYPE_CHECKING:
    from os2cli.providers.local_docker.engine.engine import Engine
    from os2cli.providers.local_docker.images.build_logs import BuildLogs


@cache
def engine(context: ProviderContext) -> Engine:
    """The engine, not contacted yet; raises ``UsageError`` for a wrong setting."""
    from os2cli.providers.local_docker.engine.endpoint import resolve_endpoint
    from os2cli.providers.local_docker.engine.engine import Engine

    return Engine(
        resolve_endpoint(context.variables, context.home, docker_host=context.docker_host)
    )


def machines(context: ProviderContext, stage: str | None) -> MachineProvider:
    """The provider; its names are unique on the engine, whatever the stage."""
    from os2cli.host.certificates import host_certificates
    from os2cli.providers.local_docker.machines.machines import LocalDockerMachines

    del stage
    return LocalDockerMachines(engine(context), context.state_dir / "locks", host_certificates())


def build_logs(context: ProviderContext) -> BuildLogs:
    """What builds on the engine wrote."""
    from os2cli.providers.local_docker.images.build_logs import BuildLogs

    return BuildLogs(context.state_dir / "build-logs")


def catalog(context: ProviderContext) -> Catalog:
    """The images that os2 built."""
    from os2cli.providers.local_docker.images.catalog import LocalImages

    return LocalImages(engine(context), build_logs(context))


def absent(context: ProviderContext) -> bool:
    """Whether no setting names an engine, and none of the usual places has one."""
    from os2cli.host.ports import is_free
    from os2cli.providers.local_docker.engine.endpoint import DEFAULT_TCP, DEFAULT_TCP_PORT

    try:
        return engine(context).endpoint == DEFAULT_TCP and is_free(DEFAULT_TCP_PORT)
    except UsageError:
        return False  # a wrong setting is told by whoever uses it


ENTRY = ProviderEntry(
    type=LOCAL_DOCKER,
    material=Material.LOCAL_IMAGE,
    machines=machines,
    absent=absent,
    catalog=catalog,
)
