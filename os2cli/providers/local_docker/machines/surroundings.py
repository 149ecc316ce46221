"""What a new machine's container is created in: its limits, its addresses, what stays writable."""

from __future__ import annotations

from typing import Any

from os2cli.core.limits import Isolation
from os2cli.core.models import MachineSpec
from os2cli.host.ports import loopback_addresses
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.containers import Surroundings
from os2cli.providers.local_docker.machines.isolation import (
    engine_facts,
    host_options,
    limits_of,
    writable_directories,
)

# The host's name in every machine, as with Docker Desktop. The engine knows the address, from
# Docker 20.10 on; Podman adds the name itself.
GATEWAY = "host-gateway"
HOSTS = {"host.docker.internal": GATEWAY}


def surroundings_for(engine: Engine, spec: MachineSpec, *, certificates: bool) -> Surroundings:
    """Return what the container is created in, except its network.

    ``certificates``: this host's are added to the container.
    """
    facts = engine_facts(engine)
    volumes: list[str] = []
    if spec.isolation is Isolation.STRICT:
        with engine.errors(f"looking for image {spec.snapshot}"):
            client: Any = engine.client  # its stubs leave this out
            image = client.inspect_image(spec.snapshot)
        volumes = writable_directories(image, certificates=certificates)
    return Surroundings(
        host_options(spec, limits_of(spec, facts), facts),
        volumes=volumes,
        addresses=loopback_addresses(),
        pools=facts.pools,
        hosts=HOSTS,
    )
