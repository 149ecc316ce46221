"""The engine: whether it answers, its version, and the setting that chose it."""

from __future__ import annotations

from os2cli.core.errors import Os2Error
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, FixId, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs
from os2cli.providers.local_docker.engine.endpoint import DEFAULT_TCP

_NAME = "engine"
_DEFAULT_SOCKET = "unix:///var/run/docker.sock"
# Another user's listener is as good as none: an engine of this host has its socket.
_NOT_RUNNING = frozenset({"engine_refused", "engine_socket_missing", "engine_untrusted"})
_START = {
    "orbstack": ("start OrbStack", ("orb start",)),
    ".docker/": ("start Docker Desktop", ("docker desktop start",)),
    "colima": ("start Colima", ("colima start",)),
    ".rd/": ("start Rancher Desktop", ("rdctl start",)),
    "podman": ("start Podman's service", ("systemctl --user start podman.socket",)),
}


def check_engine(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that the engine answers: all local work needs it."""
    try:
        facts = engine.facts()
        endpoint = engine.endpoint
    except Os2Error as error:
        return Finding(_NAME, Status.PROBLEM, error.message, remedy=_remedy(inputs, error))
    return Finding(
        _NAME,
        Status.OK,
        f"{facts.flavour} {facts.version}, API {facts.api_version}, "
        f"{facts.system}/{facts.architecture}, storage {facts.storage_driver}",
        f"at {endpoint.url}, from {endpoint.origin}",
    )


def _remedy(inputs: DoctorInputs, error: Os2Error) -> Remedy | None:
    if error.code == "engine_permission":
        return Remedy(
            "let this user access the engine, then log in again (or use rootless Docker)",
            ('sudo usermod -aG docker "$USER"',),
        )
    if error.code in _NOT_RUNNING and not isinstance(inputs.endpoint, Os2Error):
        return _start(inputs, inputs.endpoint.url)
    return Remedy(error.hint) if error.hint else None


def _start(inputs: DoctorInputs, url: str) -> Remedy:
    for mark, (text, commands) in _START.items():
        if mark in url:
            return Remedy(text, commands)
    if url not in (_DEFAULT_SOCKET, DEFAULT_TCP.url):
        return Remedy("start the engine, or fix the setting that names it")
    if inputs.system != "Linux":
        return Remedy("install and start OrbStack or Docker Desktop")
    return Remedy(
        "install Docker Engine if it is missing, and start it",
        ("sudo apt-get install docker.io", "sudo systemctl enable --now docker"),
        FixId.START_ENGINE,
    )
