"""What a Docker engine reports about itself, requested once and shared by the checks."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import Any

from os2cli.core.errors import Os2Error
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.connection import connect, explained

# Products whose engine runs in a virtual machine, by the system or host name in /info.
_PRODUCTS = {
    "docker desktop": "Docker Desktop",
    "orbstack": "OrbStack",
    "colima": "Colima",
    "rancher desktop": "Rancher Desktop",
}
# Below the deadline of a check, so that the check reports the reason, not the deadline.
REQUEST_SECONDS = 2.4


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """From ``GET /version`` and ``GET /info``; ``architecture`` is Go's (amd64, arm64).

    ``identity`` distinguishes engines and may be empty; ``in_vm`` means that ``data_root`` is in a
    product's virtual machine.
    """

    version: str
    api_version: str
    system: str
    architecture: str
    flavour: str
    in_vm: bool
    storage_driver: str
    data_root: str
    host_name: str
    identity: str


def ask_engine(endpoint: Endpoint, timeout: float = REQUEST_SECONDS) -> EngineFacts:
    """Return an engine's facts; ``timeout`` is in seconds, for each request.

    Raises:
        Os2Error: as ``explain_unreachable`` returns it.
    """
    client = connect(endpoint, request_seconds=timeout, connect_seconds=timeout)
    with contextlib.closing(client), explained(endpoint):
        return _facts(client.version(api_version=False), client.info())


def _facts(version: dict[str, Any], info: dict[str, Any]) -> EngineFacts:
    product = _product(info)
    return EngineFacts(
        version=str(version.get("Version", "?")),
        api_version=str(version["ApiVersion"]),
        system=str(version.get("Os", "?")),
        architecture=str(version.get("Arch", "?")),
        flavour=product or _flavour(version, info),
        in_vm=product is not None,
        storage_driver=str(info.get("Driver", "?")),
        data_root=str(info.get("DockerRootDir", "")),
        host_name=str(info.get("Name", "")),
        identity=str(info.get("ID", "")),
    )


def _product(info: dict[str, Any]) -> str | None:
    described = f"{info.get('OperatingSystem', '')} {info.get('Name', '')}".lower()
    return next((name for mark, name in _PRODUCTS.items() if mark in described), None)


def _flavour(version: dict[str, Any], info: dict[str, Any]) -> str:
    names = [str(part.get("Name", "")) for part in version.get("Components") or []]
    kind = "Podman" if any("Podman" in name for name in names) else "Docker Engine"
    rootless = any("rootless" in str(option) for option in info.get("SecurityOptions") or [])
    return f"rootless {kind}" if rootless else kind


class SharedEngine:
    """The engine that ``resolve_endpoint`` chose; the first check sends the request."""

    def __init__(self, endpoint: Endpoint | Os2Error) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._answer: EngineFacts | Os2Error | None = None

    @property
    def endpoint(self) -> Endpoint:
        """The engine's address; raises the ``Os2Error`` of its resolution."""
        if isinstance(self._endpoint, Os2Error):
            raise self._endpoint
        return self._endpoint

    def facts(self) -> EngineFacts:
        """Return the engine's facts; raises ``Os2Error`` if it does not answer."""
        with self._lock:
            if self._answer is None:
                try:
                    self._answer = ask_engine(self.endpoint)
                except Os2Error as error:
                    self._answer = error
        if isinstance(self._answer, Os2Error):
            raise self._answer
        return self._answer
