"""What the tests of analytics share: the state on disk, and the process that delivers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from os2cli.analytics.parameters import Parameters
from os2cli.analytics.spool import Event, Spool, take
from os2cli.settings.settings import load_settings
from tests.posthog_server import PostHogServer

KEY = "phc_a-key-of-a-project-0815"
# What the SDK says of itself and of the Python that it runs in.
OF_THE_SDK = {
    "$geoip_disable",
    "$is_server",
    "$lib",
    "$lib_version",
    "$os",
    "$os_distro",
    "$os_version",
    "$python_runtime",
    "$python_version",
}


@dataclass
class State:
    """The folder where analytics keep their state."""

    folder: Path
    lock: int | None = field(default=None, init=False)

    @property
    def spool(self) -> Spool:
        """Where events wait."""
        return Spool(self.folder / "spool")

    @property
    def waiting(self) -> list[Event]:
        """The events that were not sent yet, in their order."""
        found = [take(path) for path in self.spool.waiting()]
        return [event for event in found if event is not None]

    @contextmanager
    def undelivered(self) -> Iterator[None]:
        """No process that delivers begins while inside, as if one were at work."""
        with self._locked():
            yield

    def settle(self) -> None:
        """Wait until the process that delivers has ended, if one is at work."""
        with self._locked():
            pass

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.folder / "delivery.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def everything(self) -> str:
        """Whatever stands on disk, with the names of the files."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return "\n".join(f"{path.name}: {path.read_bytes().decode('latin-1')}" for path in files)


def state_of(home: str | Path) -> State:
    """That of somebody with this home."""
    return State(load_settings(None, {"HOME": str(home)}).state_dir / "analytics")


def sent_to(server: PostHogServer | str, **more: str) -> dict[str, str]:
    """The environment of somebody whose usage goes there."""
    host = server if isinstance(server, str) else server.url
    return {"POSTHOG_KEY": KEY, "POSTHOG_HOST": host, **more}


def parameters(home: Path, **environ: str) -> Parameters:
    """As the settings say in an environment."""
    return Parameters.of(load_settings(None, {"HOME": str(home), **environ}))


def told(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that are ours, without what differs between two runs."""
    volatile = {"duration", "os2_version"}
    return {k: v for k, v in properties.items() if k not in OF_THE_SDK | volatile}
