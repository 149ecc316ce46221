"""What a new machine's container is created in: its limits, its network, its addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from os2cli.core.errors import OperationFailed
from os2cli.core.limits import Isolation
from os2cli.core.models import MachineSpec
from os2cli.host.ports import loopback_addresses
from os2cli.machines.next_steps import needs_less_isolation
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.containers import Surroundings
from os2cli.providers.local_docker.machines.isolation import (
    engine_facts,
    host_options,
    limits_of,
    writable_directories,
)
from os2cli.providers.local_docker.machines.networks import network_for


@contextmanager
def surroundings_for(
    engine: Engine, spec: MachineSpec, created: datetime, *, certificates: bool
) -> Iterator[Surroundings]:
    """Yield what the container is created in; what was made for it is removed if the block raises.

    ``certificates``: this host's are added to the container.
    """
    facts = engine_facts(engine)
    options = host_options(spec, limits_of(spec, facts), facts)
    addresses = loopback_addresses()
    if spec.isolation is Isolation.OFF:
        yield Surroundings(options, addresses=addresses)
        return
    volumes: list[str] = []
    if spec.isolation is Isolation.STRICT:
        with engine.errors(f"looking for image {spec.snapshot}"):
            image = engine.client.inspect_image(spec.snapshot)
        volumes = writable_directories(image, certificates=certificates)
    with network_for(engine, spec, facts.pools, created) as network:
        try:
            yield Surroundings(options, network, volumes, addresses)
        except OperationFailed as error:
            error.hint = needs_less_isolation(spec, [error.message]) or error.hint
            raise
