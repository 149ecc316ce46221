"""What the supervisor calls a service, and the files in its folder that tell how it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# In the environment of everything in a machine.
FOLDER_VARIABLE = "OS2_SUPERVISOR_DIRECTORY"
SOCKET_VARIABLE = "OS2_SUPERVISOR_SOCKET"
MARK_VARIABLE = "OS2_MACHINE_ID"
LOGGER_VARIABLE = "OS2_LOGGER_OF"
LOG_VARIABLE = "OS2_LOG_DIRECTORY"
HOME_VARIABLE = "OS2_HOME"


# No service's name holds it.
LOGGER_SUFFIX = "@log"
DEFAULT_KILL_MILLISECONDS = 2000


@dataclass
class ServiceFolder:
    """A folder with a program ``run``: a service, or the ``log`` of one."""

    path: Path

    @classmethod
    def named(cls, text: str) -> ServiceFolder:
        """The folder of that path; raises ``ValueError`` when it is no service."""
        path = Path(text).resolve()
        if not (path / "run").is_file():
            raise ValueError(f"{text} is no service: it has no program `run`")
        return cls(path)

    @property
    def program(self) -> str:
        """Its name at the supervisor."""
        if self.path.name == "log" and (self.path.parent / "run").is_file():
            return f"{self.path.parent.name}{LOGGER_SUFFIX}"
        return self.path.name

    @property
    def logger(self) -> ServiceFolder | None:
        """What its output goes to, if it has one of its own."""
        folder = self.path / "log"
        return ServiceFolder(folder) if (folder / "run").is_file() else None

    @property
    def state(self) -> Path:
        """Where s6 keeps what it knows; that the status exists says that there is a supervisor."""
        return self.path / "supervise"

    @property
    def status(self) -> Path:
        """The process that was started last, and when: the file's time."""
        return self.state / "status"

    @property
    def ready(self) -> Path:
        """What the service writes to its notification descriptor."""
        return self.state / "ready"

    @property
    def waiting(self) -> Path:
        """There while the service waits for its next start."""
        return self.state / "waiting"

    @property
    def child(self) -> int | None:
        """The process of a service that is waited for by a process of ours."""
        pid = self.number("supervise/child", 0)
        return pid or None

    @child.setter
    def child(self, pid: int | None) -> None:
        path = self.state / "child"
        if pid is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(str(pid))

    @property
    def pipe(self) -> Path:
        """What a logger reads."""
        return self.state / "input"

    def number(self, file: str, otherwise: int) -> int:
        """The number in one of its files."""
        try:
            return int((self.path / file).read_text().strip())
        except (OSError, ValueError):
            return otherwise

    def prepare(self) -> None:
        """Make what services look for before they run."""
        self.state.mkdir(exist_ok=True)
        if not self.status.exists():
            self.status.touch()
            # Never started: long ago.
            os.utime(self.status, (0, 0))
        if self.path.name == "log" and not self.pipe.exists():
            os.mkfifo(self.pipe, 0o600)


def services(scan_directory: Path) -> list[ServiceFolder]:
    """The services of a scan directory, by name."""
    names = sorted(entry for entry in scan_directory.iterdir() if not entry.name.startswith("."))
    return [ServiceFolder(folder) for folder in names if (folder / "run").is_file()]
