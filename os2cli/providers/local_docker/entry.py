"""Machines on a Docker engine: what the command line needs to know of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from os2cli.core.errors import UsageError
from os2cli.core.models import LOCAL_DOCKER
from os2cli.host.ports import is_free
from os2cli.providers.entry import Material, ProviderContext, ProviderEntry
from os2cli.providers.local_docker.engine.endpoint import (
    DEFAULT_TCP,
    DEFAULT_TCP_PORT,
    configured_endpoint,
)

if TYPE_CHECKING:
    from os2cli.providers.local_docker.adapters import EngineAdapters


@cache
def adapters(context: ProviderContext) -> EngineAdapters:
    """Return what os2 does on the engine, with one connection for a context."""
    # Every command loads this module, few need Docker's SDK, which takes 0.1 s to import.
    from os2cli.providers.local_docker.adapters import EngineAdapters

    return EngineAdapters(context)


def absent(context: ProviderContext) -> bool:
    """Return whether no setting names an engine and no known socket or port has one."""
    try:
        return configured_endpoint(context) == DEFAULT_TCP and is_free(DEFAULT_TCP_PORT)
    except UsageError:
        return False  # reported when the engine is used


ENTRY = ProviderEntry(
    type=LOCAL_DOCKER,
    material=Material.LOCAL_IMAGE,
    machines=lambda context, _stage: adapters(context).machines(),
    absent=absent,
    catalog=lambda context: adapters(context).catalog(),
)
