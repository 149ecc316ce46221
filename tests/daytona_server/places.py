"""Where a sandbox without a container lives: directories and processes of this host."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.daytona_server.host_processes import HostProcesses
from tests.processes import is_alive, marked

if TYPE_CHECKING:
    from tests.daytona_server.records import SandboxRecord

# All that runs in a sandbox has it in its environment, so that it can be found again.
MARK = "DAYTONA_SANDBOX_ID"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Place:
    """The place of one sandbox."""

    def __init__(self, sandbox: SandboxRecord, processes: HostProcesses) -> None:
        self._sandbox = sandbox
        self.processes = processes
        self.root = Path(tempfile.mkdtemp(prefix="os2-test-sandbox-")).resolve()
        self.home = self.root / "home"
        """The user's directory, in which everything starts."""
        self.daemon = self.root / "daemon"
        """What the toolbox itself keeps."""
        self.programs = self.root / "bin"
        """Where programs are looked for first."""
        for folder in (self.home, self.daemon, self.programs, self.root / "tmp"):
            folder.mkdir()

    @property
    def env(self) -> dict[str, str]:
        """The environment of all that runs here."""
        return {
            "PATH": f"{self.programs}:{os.environ.get('PATH', _PATH)}",
            "HOME": str(self.home),
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
            "USER": self._sandbox.user,
            **self._sandbox.env,
            MARK: self._sandbox.id,
        }

    def kill(self) -> None:
        """Kill what runs here, also what has left every group and session."""
        while running := [each for each in marked(MARK, self._sandbox.id) if is_alive(each.pid)]:
            for process in running:
                with contextlib.suppress(psutil.Error):
                    words = process.cmdline()
                    process.kill()
                    # A script in a directory of its own below /tmp would have removed that.
                    own = Path(words[1]).parent if len(words) == 2 else Path()
                    if own.parent == Path("/tmp") and own.name.startswith("os2-"):
                        shutil.rmtree(own, ignore_errors=True)

    def remove(self) -> None:
        """Kill what runs here and remove the directories."""
        self.kill()
        shutil.rmtree(self.root, ignore_errors=True)


class Places:
    """Those of a server, made when something first runs there."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self.processes = HostProcesses()

    def of(self, sandbox: SandboxRecord) -> Place:
        """Return the place of a sandbox."""
        if sandbox.id not in self._places:
            self._places[sandbox.id] = Place(sandbox, self.processes)
        return self._places[sandbox.id]

    def halt(self, sandbox: SandboxRecord) -> None:
        """End what runs in a sandbox; its files go with the sandbox itself."""
        place = self._places.get(sandbox.id)
        if place is None:
            return
        place.kill()
        if sandbox.state in ("destroying", "destroyed"):
            # Two threads may halt it at once.
            self._places.pop(sandbox.id, None)
            place.remove()

    def close(self) -> None:
        """Remove all of them."""
        while self._places:
            self._places.popitem()[1].remove()
