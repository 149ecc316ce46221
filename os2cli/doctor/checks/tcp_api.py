"""The engine's TCP API, which the web app uses; os2 itself also works over the socket."""

from __future__ import annotations

import socket
from dataclasses import replace
from urllib.parse import urlsplit

from os2cli.core.errors import Os2Error
from os2cli.doctor.engine_facts import EngineFacts, SharedEngine, ask_engine
from os2cli.doctor.findings import Finding, FixId, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs

_NAME = "tcp-api"
_WEB_APP = "the web app needs it; os2 itself works over the socket"
_SOMETHING_ELSE = frozenset({"engine_not_docker", "engine_tls"})
_OUTSIDE_SECONDS = 0.5


def check_tcp_api(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that the API answers at 127.0.0.1:2375, and only on this host."""
    url = inputs.tcp_api.url
    try:
        facts = ask_engine(inputs.tcp_api, timeout=1.5)
    except Os2Error as error:
        return _unusable(inputs, engine, error)
    if address := _open_to_others(inputs, facts):
        return Finding(
            _NAME,
            Status.PROBLEM,
            f"the TCP API is open to other hosts at {address} without TLS",
            "every client that reaches that address has root access to this host",
            Remedy("bind it to 127.0.0.1: replace 0.0.0.0 in the engine's hosts or -H options"),
        )
    if _another_engine(facts, engine):
        return Finding(
            _NAME,
            Status.WARNING,
            f"{url} is not the engine that os2 uses ({facts.flavour} {facts.version})",
            "the web app and os2 do not see each other's machines",
            Remedy("let os2 use the same engine", (f"export DOCKER_HOST={url}",)),
        )
    return Finding(_NAME, Status.OK, f"the TCP API answers at {url}, on this host only")


def _unusable(inputs: DoctorInputs, engine: SharedEngine, error: Os2Error) -> Finding:
    if error.code != "engine_refused":
        remedy = (
            _find_listener(inputs) if error.code in _SOMETHING_ELSE else Remedy(error.hint or "")
        )
        return Finding(_NAME, Status.WARNING, error.message, _WEB_APP, remedy)
    try:
        facts = engine.facts()
    except Os2Error:
        what = f"nothing listens at {inputs.tcp_api.url}, and no engine runs"
        return Finding(_NAME, Status.SKIPPED, what)
    what = f"the TCP API is off: nothing listens at {inputs.tcp_api.url}"
    return Finding(_NAME, Status.WARNING, what, _WEB_APP, _remedy(inputs, facts))


def _find_listener(inputs: DoctorInputs) -> Remedy:
    port = urlsplit(inputs.tcp_api.url).port
    return Remedy(
        "find the program that uses the port, and stop it", (f"lsof -nP -iTCP:{port} -sTCP:LISTEN",)
    )


def _remedy(inputs: DoctorInputs, facts: EngineFacts) -> Remedy:
    if facts.flavour == "OrbStack":
        text = 'add "tcp://127.0.0.1:2375" to "hosts" in ~/.orbstack/config/docker.json'
        return Remedy(text, ("orb restart docker",), FixId.TCP_API_ORBSTACK)
    if facts.flavour == "Docker Desktop" and inputs.system == "Windows":
        text = "enable Settings > General > Expose daemon on tcp://localhost:2375 without TLS"
        return Remedy(text, fix=FixId.TCP_API_DESKTOP)
    if facts.flavour == "Docker Engine" and inputs.system == "Linux":
        text = "add -H tcp://127.0.0.1:2375 to dockerd's options (--fix does so under systemd)"
        return Remedy(text, fix=FixId.TCP_API_ENGINE)
    return Remedy(
        f"{facts.flavour} has no documented setting for it; "
        "forward the port to the socket while the web app runs",
        (
            "socat TCP-LISTEN:2375,bind=127.0.0.1,reuseaddr,fork "
            f"UNIX-CONNECT:{_socket_path(inputs)}",
        ),
    )


def _socket_path(inputs: DoctorInputs) -> str:
    path = None if isinstance(inputs.endpoint, Os2Error) else inputs.endpoint.socket
    return str(path or "/var/run/docker.sock")


def _another_engine(facts: EngineFacts, engine: SharedEngine) -> bool:
    try:
        chosen = engine.facts()
    except Os2Error:
        return False
    return bool(facts.identity and chosen.identity) and facts.identity != chosen.identity


def _open_to_others(inputs: DoctorInputs, facts: EngineFacts) -> str | None:
    """Return an address other than 127.0.0.1 at which the same engine answers, or None.

    A request is the only test that works on every system and for every way of binding the port.
    """
    port = urlsplit(inputs.tcp_api.url).port
    addresses = _own_addresses() if inputs.addresses is None else inputs.addresses
    for address in addresses:
        outside = replace(inputs.tcp_api, url=f"tcp://{address}:{port}")
        try:
            other = ask_engine(outside, timeout=_OUTSIDE_SECONDS)
        except Os2Error:
            continue
        if other.identity == facts.identity:
            return outside.url
    return None


def _own_addresses() -> tuple[str, ...]:
    """Return the address that this host uses for outside connections; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: connecting UDP only picks a route
        except OSError:
            return ()
        address = str(probe.getsockname()[0])
    return () if address.startswith("127.") else (address,)
