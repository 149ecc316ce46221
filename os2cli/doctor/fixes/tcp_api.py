"""Plans ``os2 doctor --fix tcp-api`` and ``tcp-api-off``."""

from __future__ import annotations

from os2cli.core.errors import NotAuthorised, OperationFailed, Os2Error
from os2cli.core.fix import Fix
from os2cli.doctor.engine_facts import SharedEngine, ask_engine
from os2cli.doctor.fixes.dockerd_tcp_api import dockerd_tcp_api
from os2cli.doctor.fixes.host import Host
from os2cli.doctor.fixes.plan import engine_fixes
from os2cli.doctor.fixes.products import desktop_tcp_api, orbstack_tcp_api
from os2cli.doctor.fixes.switch import Switch
from os2cli.doctor.fixes.systemd_tcp_api import systemd_tcp_api
from os2cli.providers.local_docker.engine.address import Endpoint

_DOCKER_ENGINE = "Docker Engine"


def plan_tcp_api(host: Host, engine: SharedEngine, switch: Switch) -> list[Fix]:
    """Return the fixes in their order; empty if the API already is so.

    On Linux an engine is installed and started first if none answers.

    Raises:
        NotAuthorised: the fix requires root.
        OperationFailed: os2 does not know how this engine's API is turned on or off.
        Unreachable: no engine answers.
    """
    if _is_on(host) is switch.on:
        return []
    if host.platform.startswith("linux"):
        return _on_linux(host, engine, switch)
    flavour = engine.facts().flavour
    match host.platform, flavour:
        case "darwin", "OrbStack":
            return [orbstack_tcp_api(host, switch)]
        case "win32", "Docker Desktop":
            return [desktop_tcp_api(host, switch)]
    raise _unknown(flavour, switch)


def _on_linux(host: Host, engine: SharedEngine, switch: Switch) -> list[Fix]:
    first: list[Fix] = []
    try:
        flavour = engine.facts().flavour
    except Os2Error:
        first = engine_fixes(host) if switch.on else []
        if host.is_root and not first:
            raise
        flavour = _DOCKER_ENGINE
    if flavour != _DOCKER_ENGINE:
        raise _unknown(flavour, switch)
    if not host.is_root:
        raise NotAuthorised(
            f"--fix {switch.value} requires root",
            hint=f"run it as root: sudo os2 doctor --fix {switch.value}",
            code="fix_needs_root",
        )
    change = systemd_tcp_api if host.has_systemd else dockerd_tcp_api
    return [*first, change(host, switch)]


def _is_on(host: Host) -> bool:
    try:
        ask_engine(Endpoint(host.tcp_url, "the TCP API"))
    except Os2Error:
        return False
    return True


def _unknown(flavour: str, switch: Switch) -> OperationFailed:
    hint = (
        "forward the port to the engine's socket while a program needs it, such as with socat"
        if switch.on
        else "end the program that forwards the port, or change the engine's own setting"
    )
    return OperationFailed(
        f"os2 does not know how the TCP API of {flavour} is turned {'on' if switch.on else 'off'}",
        hint=hint,
        code="tcp_api_unknown",
    )
