"""A service's directory: its name for supervisor, and the files with its state."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# In the environment of every process in a machine.
FOLDER_VARIABLE = "OS2_SUPERVISOR_DIRECTORY"
SOCKET_VARIABLE = "OS2_SUPERVISOR_SOCKET"
MARK_VARIABLE = "OS2_MACHINE_ID"
LOGGER_VARIABLE = "OS2_LOGGER_OF"
LOG_VARIABLE = "OS2_LOG_DIRECTORY"
HOME_VARIABLE = "OS2_HOME"


# Not allowed in a service's name.
LOGGER_SUFFIX = "@log"
DEFAULT_KILL_MILLISECONDS = 2000


@dataclass
class ServiceFolder:
    """A directory with a program ``run``: a service, or the ``log`` of one."""

    path: Path

    @classmethod
    def named(cls, text: str) -> ServiceFolder:
        """Return the directory at that path; raises ``ValueError`` if it is not a service."""
        path = Path(text).resolve()
        if not (path / "run").is_file():
            raise ValueError(f"{text} is not a service: it has no program `run`")
        return cls(path)

    @property
    def program(self) -> str:
        """Its name for supervisor."""
        if self.path.name == "log" and (self.path.parent / "run").is_file():
            return f"{self.path.parent.name}{LOGGER_SUFFIX}"
        return self.path.name

    @property
    def logger(self) -> ServiceFolder | None:
        """The logger of its output, if it has one."""
        folder = self.path / "log"
        return ServiceFolder(folder) if (folder / "run").is_file() else None

    @property
    def state(self) -> Path:
        """The state directory of s6; an existing status means that the service is supervised."""
        return self.path / "supervise"

    @property
    def status(self) -> Path:
        """The file with the last process id; its mtime is the start time."""
        return self.state / "status"

    @property
    def ready(self) -> Path:
        """The file behind the service's notification descriptor."""
        return self.state / "ready"

    @property
    def waiting(self) -> Path:
        """The file that exists while the service waits for its next start."""
        return self.state / "waiting"

    @property
    def child(self) -> int | None:
        """The process of a service whose parent is ``os2-run-service``."""
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
        """The FIFO that a logger reads."""
        return self.state / "input"

    def number(self, file: str, otherwise: int) -> int:
        """Return the number in one of its files, else ``otherwise``."""
        try:
            return int((self.path / file).read_text().strip())
        except (OSError, ValueError):
            return otherwise

    def prepare(self) -> None:
        """Create the files that must exist before the service runs."""
        self.state.mkdir(exist_ok=True)
        if not self.status.exists():
            self.status.touch()
            # Never started: the epoch.
            os.utime(self.status, (0, 0))
        if self.path.name == "log" and not self.pipe.exists():
            os.mkfifo(self.pipe, 0o600)


def services(scan_directory: Path) -> list[ServiceFolder]:
    """Return the services of a scan directory, sorted by name."""
    names = sorted(entry for entry in scan_directory.iterdir() if not entry.name.startswith("."))
    return [ServiceFolder(folder) for folder in names if (folder / "run").is_file()]
