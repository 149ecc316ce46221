"""The engine's TCP API: every client of it is root; os2 itself works over the socket."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from urllib.parse import urlsplit

from os2cli.core.errors import Os2Error
from os2cli.doctor.engine_facts import EngineFacts, SharedEngine, ask_engine
from os2cli.doctor.findings import Finding, FixId, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs
from os2cli.providers.local_docker.engine.listener import listening_users, user_name

_NAME = "tcp-api"
_RISK = "every user of this host, and every page in a browser on it, is root through it"
_OFF = "unless a program needs it, turn it off"
_SOMETHING_ELSE = frozenset({"engine_not_docker", "engine_tls"})
_OUTSIDE_SECONDS = 0.5
# What has a fix, by flavour and system.
_SWITCHABLE = frozenset(
    {("OrbStack", "Darwin"), ("Docker Desktop", "Windows"), ("Docker Engine", "Linux")}
)


def check_tcp_api(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that the API at 127.0.0.1:2375 is off, or at least on this host only and root's."""
    url = inputs.tcp_api.url
    if user := _stranger(url):
        return Finding(
            _NAME,
            Status.WARNING,
            f"a process of user {user} listens at {url}",
            "a program that expects the engine there sends it all variables; os2 does not use it",
            _find_listener(url),
        )
    try:
        facts = ask_engine(inputs.tcp_api, timeout=1.5)
    except Os2Error as error:
        return _no_engine(url, error)
    if address := _open_to_others(inputs, facts):
        return Finding(
            _NAME,
            Status.PROBLEM,
            f"the TCP API is open to other hosts at {address} without TLS",
            "every client that reaches that address has root access to this host",
            Remedy("bind it to 127.0.0.1: replace 0.0.0.0 in the engine's hosts or -H options"),
        )
    what = f"the TCP API is on at {url}"
    if _another_engine(facts, engine):
        what += f", of another engine than os2 uses ({facts.flavour} {facts.version})"
    return Finding(_NAME, Status.WARNING, what, _RISK, _remedy(inputs, facts))


def _stranger(url: str) -> str | None:
    """Return the user, neither root nor this one, whose process listens there."""
    users = listening_users(urlsplit(url).port or 0)
    strangers = sorted(users - {0, os.geteuid()}) if users else []
    return user_name(strangers[0]) if strangers else None


def _no_engine(url: str, error: Os2Error) -> Finding:
    if error.code == "engine_refused":
        return Finding(_NAME, Status.OK, f"the TCP API is off: nothing listens at {url}")
    known = _find_listener(url) if error.code in _SOMETHING_ELSE else None
    return Finding(
        _NAME,
        Status.WARNING,
        error.message,
        "a program that expects the engine there fails; os2 itself works over the socket",
        known or (Remedy(error.hint) if error.hint else None),
    )


def _find_listener(url: str) -> Remedy:
    return Remedy(
        "find the program that uses the port, and stop it",
        (f"lsof -nP -iTCP:{urlsplit(url).port} -sTCP:LISTEN",),
    )


def _remedy(inputs: DoctorInputs, facts: EngineFacts) -> Remedy:
    if (facts.flavour, inputs.system) not in _SWITCHABLE:
        return Remedy(f"{_OFF}: end the program that forwards the port, or change its setting")
    text = f"{_OFF}, as root" if inputs.system == "Linux" else _OFF
    return Remedy(text, (f"os2 doctor --fix {FixId.TCP_API_OFF}",), FixId.TCP_API_OFF)


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
