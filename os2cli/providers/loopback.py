"""Machines that listen on this host: their one published port, and what it gives access to."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from os2cli.core.defaults import DAEMON_PORT, HEALTH_PATH
from os2cli.core.errors import Conflict, UsageError
from os2cli.core.json_text import parse_json
from os2cli.core.models import Address, Health, Machine, MachineState
from os2cli.host.network.local_names import resolves_to
from os2cli.host.ports import loopback_addresses
from os2cli.machines.next_steps import not_running

if TYPE_CHECKING:
    import httpx

# Every machine listens on this one, on IPv6's only where it is on.
LOOPBACK = "127.0.0.1"
# What a health check or a list of services needs by far.
ANSWER_BYTES = 64 * 1024
# Names of machines may also have "_" and ".", which a host's label may not.
_NAMELESS = {
    # Started by an earlier os2, or before IPv6 was on.
    False: "start it again, which adds [::1]: os2 machine restart {}",
    True: "let the engine publish ports on [::1], then recreate the machine: os2 machine rm {}",
}
_HOST_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)


def machine_url(name: str, port: int, addresses: Collection[str]) -> str:
    """Return the URL of a machine that listens on ``addresses`` of this host.

    A host of its own keeps its cookies and storage from other programs on ``localhost``. It is used
    if this host resolves it to nothing but these addresses: on another, someone else may listen.
    Browsers resolve names of this host themselves, to all of its loopback addresses: a machine that
    does not have all of them has no name.
    """
    if not set(loopback_addresses()) <= set(addresses):
        return f"http://{LOOPBACK}:{port}"
    host = local_host(name)
    return f"http://{host if host and resolves_to(host, addresses) else 'localhost'}:{port}"


def local_host(name: str) -> str | None:
    """Return ``NAME.localhost``, or None for a name that cannot be part of a host."""
    return f"{name.lower()}.localhost" if _HOST_LABEL.fullmatch(name) else None


def require_running(machine: Machine) -> Machine:
    """Return the machine; raises ``Conflict`` if it is not running."""
    if machine.state is MachineState.RUNNING:
        return machine
    raise not_running(machine)


def probe_published(machine: Machine, seconds: float) -> Health:
    """Ask the daemon for its health through the published port, as a user would."""
    if machine.state is not MachineState.RUNNING or machine.port is None:
        return Health.NONE
    response = _get(f"http://{LOOPBACK}:{machine.port}{HEALTH_PATH}", seconds)
    return Health.HEALTHY if response is not None and response.is_success else Health.STARTING


def _get(url: str, seconds: float) -> httpx.Response | None:
    # Most commands need no HTTP client for a local machine.
    from os2cli.host.network.loopback import fetch_small

    return fetch_small(url, seconds, ANSWER_BYTES)


def listening_program(port: int) -> str | None:
    """Return the program that listens on a port of this host, if this user may see it."""
    # Here: only a conflict needs it.
    import psutil

    try:
        pids = {
            c.pid
            for c in psutil.net_connections(kind="tcp")
            if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.pid
        }
        return next((f"{psutil.Process(pid).name()} (process {pid})" for pid in pids), None)
    except (psutil.Error, OSError):
        return None


def port_conflict(port: int, holder: str | None, machine: str | None = None) -> Conflict:
    """Return the error for a port that is taken; ``machine`` is the name of one that has it."""
    holder = holder or listening_program(port)
    return Conflict(
        f"port {port} is in use by {holder or 'another program on this host'}",
        hint="choose another with --port, or leave --port out to get a free one"
        if machine is None
        else f"end that program, or use another port: os2 machine start {machine} --port …",
        code="port_taken",
        details={"port": port, "holder": holder},
    )


def published_address(
    machine: Machine, port: int, seconds: float, signed_seconds: int | None
) -> Address:
    """Return the URL of a port of the machine; ``seconds`` limits asking for its services.

    The daemon serves the pages of other services, each under its own name.

    Raises:
        Conflict: the machine is not running, none of its services has a page on that port, or the
            machine has no name below which a service could have one.
        UsageError: a signed address is requested, which would change nothing.
    """
    if signed_seconds is not None:
        raise UsageError(
            "--signed is only for machines with private addresses, such as those on Daytona",
            hint=f"leave it out: machine {machine.name} is only reachable from this host",
            code="option_invalid",
        )
    require_running(machine)
    if port == DAEMON_PORT and machine.url:
        return Address(machine.url)
    services = _services_with_pages(machine, seconds)
    if port in services:
        return Address(_service_url(machine, services[port]))
    pages = ", ".join(str(each) for each in sorted({DAEMON_PORT, *services}))
    raise Conflict(
        f"port {port} of machine {machine.name} is not published on this host",
        hint=f"ports with a page: {pages}; a service gets one with hasWebUI in its metadata.json",
        code="port_not_published",
    )


def _service_url(machine: Machine, service: str) -> str:
    """Return the URL of a service, below its machine's own host where that is used.

    Machines share no cookies there. ``SERVICE.localhost`` is the machine's if it has that name.

    Raises:
        Conflict: the machine has no name.
    """
    if urlsplit(machine.url or "").hostname == LOOPBACK:
        raise Conflict(
            f"service {service} of machine {machine.name} needs a name, which browsers look for "
            f"on [::1] first; the machine has only {LOOPBACK}",
            hint=_NAMELESS[machine.isolated].format(machine.name),
            code="port_not_published",
        )
    host = local_host(machine.name)
    below = f"http://{service}.{host}:{machine.port}"
    if host and (machine.url == f"http://{host}:{machine.port}" or host == f"{service}.localhost"):
        return below
    return f"http://{service}.localhost:{machine.port}"


def _services_with_pages(machine: Machine, seconds: float) -> dict[int, str]:
    response = _get(f"{machine.url}/api/services", seconds)
    if response is None:
        return {}
    try:
        services = parse_json(response.content)["services"]
        return dict(page for service in services if (page := _page(service)) is not None)
    except (ValueError, KeyError, TypeError):
        return {}


def _page(service: dict[str, Any]) -> tuple[int, str] | None:
    """Return the port and the name of a service with a page, as it is in a URL."""
    port, name = service["port"], str(service["name"]).lower()
    is_port = type(port) is int and 0 < port < 2**16
    return (port, name) if service["hasWebUI"] and is_port and _HOST_LABEL.fullmatch(name) else None
