"""Machines that listen on this host: the one published port, and what is reached through it."""

from __future__ import annotations

from os2cli.core.defaults import DAEMON_PORT, HEALTH_PATH
from os2cli.core.errors import Conflict, UsageError
from os2cli.core.models import Address, Health, Machine, MachineState


def require_running(machine: Machine) -> Machine:
    """The machine; raises ``Conflict`` when nothing can be run in it."""
    if machine.state is MachineState.RUNNING:
        return machine
    raise Conflict(
        f"machine {machine.name} is {machine.state.value}",
        hint=f"start it: os2 machine start {machine.name}",
        code="machine_not_running",
    )


def probe_published(machine: Machine, seconds: float) -> Health:
    """Ask the daemon through the published port, as its user would."""
    if machine.state is not MachineState.RUNNING or machine.port is None:
        return Health.NONE
    # Here: lists of stopped machines and their removal need no HTTP client.
    import httpx

    try:
        # The environment's proxy settings must not carry loopback traffic away.
        answer = httpx.get(
            f"http://127.0.0.1:{machine.port}{HEALTH_PATH}", timeout=seconds, trust_env=False
        )
    except httpx.HTTPError:
        return Health.STARTING
    return Health.HEALTHY if answer.is_success else Health.STARTING


def listening_program(port: int) -> str | None:
    """The program that listens on a port of this host, as far as this user may know."""
    # Here: only a conflict asks for it.
    import psutil

    try:
        found = {
            c.pid
            for c in psutil.net_connections(kind="tcp")
            if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port and c.pid
        }
        return next((f"{psutil.Process(pid).name()} (process {pid})" for pid in found), None)
    except (psutil.Error, OSError):
        return None


def port_conflict(port: int, holder: str | None) -> Conflict:
    """The error for a port that somebody else has."""
    holder = holder or listening_program(port)
    return Conflict(
        f"port {port} is in use by {holder or 'another program on this host'}",
        hint="choose another with --port, or leave --port out to get a free one",
        code="port_taken",
        details={"port": port, "holder": holder},
    )


def published_address(
    machine: Machine, port: int, seconds: float, signed_seconds: int | None
) -> Address:
    """The URL of a port of the machine, ``seconds`` being the time to ask for its services.

    The daemon passes the pages of other services on, each under its own name.

    Raises:
        Conflict: the machine does not run, or none of its services has a page on that port.
        UsageError: a signed address is wanted, which would change nothing.
    """
    if signed_seconds is not None:
        raise UsageError(
            "--signed is for machines that not everybody can reach, such as those on Daytona",
            hint=f"leave it out: machine {machine.name} is reached from this host only",
            code="option_invalid",
        )
    require_running(machine)
    if port == DAEMON_PORT and machine.url:
        return Address(machine.url)
    services = _services_with_pages(machine, seconds)
    if port in services:
        return Address(f"http://{services[port]}.localhost:{machine.port}")
    pages = ", ".join(str(known) for known in sorted({DAEMON_PORT, *services}))
    raise Conflict(
        f"port {port} of machine {machine.name} is not published on this host",
        hint=f"ports with a page: {pages}; a service gets one with hasWebUI in its metadata.json",
        code="port_not_published",
    )


def _services_with_pages(machine: Machine, seconds: float) -> dict[int, str]:
    import httpx

    try:
        # The environment's proxy settings must not carry loopback traffic away.
        answer = httpx.get(f"{machine.url}/api/services", timeout=seconds, trust_env=False)
        services = answer.json()["services"]
        return {
            int(service["port"]): str(service["name"]).lower()
            for service in services
            if service["hasWebUI"] and service["port"]
        }
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return {}
