"""The host to fix: where its files are and how to run programs on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from os2cli.doctor.fixes.commands import Commands
from os2cli.providers.local_docker.engine.address import Endpoint

TCP_URL = "tcp://127.0.0.1:2375"
DAEMON_JSON = "/etc/docker/daemon.json"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Host:
    """The host to fix; ``root`` stands for ``/``, ``platform`` is ``sys.platform``."""

    root: Path
    home: Path
    platform: str
    is_root: bool
    commands: Commands
    now: Callable[[], datetime] = _utc_now
    tcp_url: str = TCP_URL

    def path(self, absolute: str) -> Path:
        """Return a system file, such as ``/etc/docker/daemon.json``, below ``root``."""
        return self.root / absolute.lstrip("/")

    @property
    def has_systemd(self) -> bool:
        """Whether systemd runs, not only is installed; the test of ``sd_booted(3)``."""
        return self.path("/run/systemd/system").is_dir()

    @property
    def socket(self) -> Endpoint:
        """The default socket of Docker Engine."""
        return Endpoint(f"unix://{self.path('/var/run/docker.sock')}", "the default socket")


def this_host(variables: Mapping[str, str], home: Path) -> Host:
    """Return the host that os2 runs on."""
    # A root shell opened by `su` has no sbin on its PATH.
    search = f"{variables.get('PATH', os.defpath)}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
    is_root = sys.platform != "win32" and os.geteuid() == 0
    commands = Commands({**variables, "PATH": search})
    return Host(Path("/"), home, sys.platform, is_root, commands)
