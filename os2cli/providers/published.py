"""Machines that listen on this host: the one published port, and what is reached through it."""

from __future__ import annotations

from os2cli.errors import Conflict
from os2cli.models import Machine, MachineState

DAEMON_PORT = 3000


def must_run(machine: Machine) -> Machine:
    """The machine; raises ``Conflict`` when nothing can be run in it."""
    if machine.state is MachineState.RUNNING:
        return machine
    raise Conflict(
        f"machine {machine.name} is {machine.state.value}",
        hint=f"start it: os2 machine start {machine.name}",
        code="machine_not_running",
    )


def published_address(machine: Machine, port: int, seconds: float) -> str:
    """The URL of a port of the machine, ``seconds`` being the time to ask for its services.

    The daemon passes the pages of other services on, each under its own name.

    Raises:
        Conflict: the machine does not run, or none of its services has a page on that port.
    """
    must_run(machine)
    if port == DAEMON_PORT and machine.url:
        return machine.url
    services = _services_with_pages(machine, seconds)
    if port in services:
        return f"http://{services[port]}.localhost:{machine.port}"
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
