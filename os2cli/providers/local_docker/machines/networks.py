"""A network of its own for each machine: machines cannot reach each other.

Its name and labels are the machine's. The engine's own choice of addresses ends after about 30
networks, which other programs on the engine also need, so os2 takes small ones from the end of the
engine's range.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from os2cli.core.clock import EPOCH
from os2cli.core.errors import Conflict, OperationFailed, PartlyDone
from os2cli.core.left_out import left_out
from os2cli.core.models import LOCAL_DOCKER, Machine, MachineSpec, MachineState
from os2cli.host.network.routed import routed_networks
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import explanation
from os2cli.providers.local_docker.machines.containers import container_name
from os2cli.providers.local_docker.machines.finding import find_container
from os2cli.providers.local_docker.machines.name_locks import NameLocks, machine_busy, may_remove
from os2cli.providers.local_docker.machines.shapes import items, mapping

# The end of the range that engines choose from unless configured otherwise: 1,024 machines.
DEFAULT_POOLS = ("192.168.224.0/19",)
# Room for the network's address, the gateway, the machine and the broadcast, and some for the
# engine while a machine restarts.
PREFIX = 29
MAX_CANDIDATES = 1024
ATTEMPTS = 50
# In the errors of Docker and Podman.
_EXISTS = "already exists"
_OVERLAPS = ("overlap", "already used", "conflicts with network")
_EXHAUSTED = ("fully subnetted", "non-overlapping ipv4 address pool", "no free subnet")


def remove_networks(
    engine: Engine, machine: str, *, creator: str | None = None, request: str | None = None
) -> bool:
    """Remove the networks of a machine whose container is gone; return whether there were any.

    That of another create is left alone while it may be at work: see ``may_remove``.

    Raises:
        PartlyDone: the list of networks has some that cannot be read.
        OperationFailed: the engine lists one still that it does not find.
    """
    with engine.errors(f"removing the network of machine {machine}"), left_out() as unread:
        networks = [
            network
            for network in _ours(engine, {labels.NAME: machine})
            if may_remove(network["Labels"], creator=creator, request=request)
        ]
        # Another process may have removed one, which the engine then does not list either.
        missing = {each["Id"] for each in networks if not _remove_network(engine, each["Id"])}
        listed = _ours(engine, {labels.NAME: machine}) if missing else []
    if any(each["Id"] in missing for each in listed):
        raise OperationFailed(
            f"the network of machine {machine} still exists after its removal",
            hint=f"retry: os2 machine rm {machine}",
        )
    if unread:
        raise PartlyDone(
            f"machine {machine} may still have a network: the list of networks cannot be read",
            hint=f"remove what is left: os2 machine rm {machine}",
        )
    return bool(networks)


def _remove_network(engine: Engine, network: str) -> bool:
    """Remove a network; return whether the engine found it."""
    try:
        engine.client.remove_network(network)
    except APIError as error:
        if error.status_code != 404:
            raise
        return False
    return True


def remove_network_left(engine: Engine, machine: str, creator: str) -> bool:
    """Remove the networks of a machine if it has no container; return whether it did.

    The caller holds the name's lock, which ``creator`` stands for.
    """
    if find_container(engine, machine) is not None:
        return False
    return remove_networks(engine, machine, creator=creator)


def networks_left(engine: Engine, locks: NameLocks) -> list[Machine]:
    """Return the networks of ours whose machine is in no list, as failed machines.

    Those of creates that may be at work are left out.
    """
    with engine.errors("listing the machines' networks"):
        containers = engine.client.containers(all=True)
        networks = _ours(engine)
    machines = {mapping(each, "Labels").get(labels.NAME) for each in items(containers)}
    left = {}
    for network in networks:
        marks = mapping(network, "Labels")
        name = marks.get(labels.NAME)
        if not isinstance(name, str) or name in machines:
            continue
        if locks.is_abandoned(name, marks) or may_remove(marks):
            left[name] = Machine(
                id=str(network["Id"]),
                name=name,
                type=LOCAL_DOCKER,
                stage=marks.get(labels.STAGE, ""),
                state=MachineState.FAILED,
                snapshot=marks.get(labels.SNAPSHOT, ""),
                owner=marks.get(labels.OWNER, ""),
                created=labels.moment(marks.get(labels.CREATED, "")) or EPOCH,
                reason="only its network is left",
                startable=False,
            )
    return list(left.values())


def _ours(engine: Engine, more: Mapping[str, str] = {}) -> list[Mapping[str, Any]]:
    wanted = {labels.MACHINE: "1", **more}.items()
    filters = {"label": [f"{key}={value}" for key, value in wanted]}
    networks = items(engine.client.networks(filters=filters))
    # Not all engines and proxies know all filters, and what is returned here is removed.
    return [network for network in networks if wanted <= mapping(network, "Labels").items()]


def create_network(
    engine: Engine, spec: MachineSpec, pools: Sequence[str], create: Mapping[str, str]
) -> str:
    """Create the machine's network on free addresses, and return its id.

    ``create`` are the labels of this create.

    Raises:
        Conflict: the engine has no addresses left (``networks_exhausted``), or another create made
            one for a machine of that name (``machine_busy``).
    """
    marks = {**labels.of_machine(spec, LOCAL_DOCKER, datetime.now(UTC)), **create}
    try:
        return new_network(engine, spec.name, pools, marks)
    except NetworkExistsError as error:
        raise machine_busy(spec.name) from error


class NetworkExistsError(Exception):
    """The engine has a network of that name."""


def new_network(
    engine: Engine, machine: str, pools: Sequence[str], marks: Mapping[str, str]
) -> str:
    """Create a network for a machine on free addresses, and return its id.

    The engine chooses them if those of os2 are used up.

    Raises:
        Conflict: the engine has none left either (``networks_exhausted``).
        NetworkExistsError: there is one of its name.
    """
    name = container_name(machine)
    refused = ""
    with engine.errors(f"creating the network of machine {machine}"):
        subnets = free_subnets(pools or DEFAULT_POOLS, _taken(engine))
        for subnet in (*islice(subnets, ATTEMPTS), None):
            ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)]) if subnet else None
            try:
                answer = engine.client.create_network(
                    name, driver="bridge", ipam=ipam, labels={**marks}, check_duplicate=True
                )
                return str(mapping(answer).get("Id") or name)
            except APIError as error:
                refused = explanation(error)
                if name in refused and _EXISTS in refused.lower():
                    raise NetworkExistsError from error
                if not any(each in refused.lower() for each in (*_OVERLAPS, *_EXHAUSTED)):
                    raise
    raise Conflict(
        f"no free network for machine {machine}: {refused}",
        hint="remove what is not needed: os2 machine prune, docker network prune; "
        "or use the engine's own network: --isolation off",
        code="networks_exhausted",
    )


def _taken(engine: Engine) -> list[ipaddress.IPv4Network]:
    """Return the addresses of the engine's networks, and those that this host has routes to."""
    taken = routed_networks()
    for network in items(engine.client.networks()):
        for config in items(mapping(network, "IPAM").get("Config")):
            with suppress(ValueError):
                taken.append(ipaddress.IPv4Network(str(mapping(config).get("Subnet"))))
    return taken


def free_subnets(pools: Sequence[str], taken: Sequence[ipaddress.IPv4Network]) -> Iterator[str]:
    """Yield subnets at the end of the pools that overlap nothing, in random order.

    Concurrent creates rarely try the same one; the engine refuses the second.
    """
    candidates: list[ipaddress.IPv4Network] = []
    for text in reversed(pools):
        try:
            pool = ipaddress.IPv4Network(text)
        except ValueError:
            continue
        if pool.prefixlen <= PREFIX:
            count = min(2 ** (PREFIX - pool.prefixlen), MAX_CANDIDATES)
            first = int(pool.broadcast_address) + 1 - count * 2 ** (32 - PREFIX)
            candidates += [
                ipaddress.IPv4Network((first + number * 2 ** (32 - PREFIX), PREFIX))
                for number in range(count)
            ]
    candidates.sort(key=lambda _: os.urandom(4))
    return (str(each) for each in candidates if not any(each.overlaps(other) for other in taken))
