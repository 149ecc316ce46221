"""The logs of recent local builds on disk, readable by their owner only.

Each file is named after the image key and begins with the image's name, by which the log of a
failed build is found.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from os2cli.host.private_files import PRIVATE_FOLDER, private_folder

PRIVATE_FILE = 0o600
MAX_LOGS = 20
# A longer log keeps its beginning and its end.
HEAD_BYTES, TAIL_LINES = 1_000_000, 1_000
MAX_LINE_LENGTH = 10_000
_TITLE = "# build of "


@dataclass(slots=True)
class Recording:
    """A log being written; a full disk loses lines but does not stop the build."""

    file: TextIO | None
    left: int = HEAD_BYTES
    dropped: int = 0
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    def write(self, line: str) -> None:
        """Write one line, or hold it back for the end of a long log."""
        line = line[:MAX_LINE_LENGTH]
        if self.left <= 0:
            self.dropped += len(self.tail) == TAIL_LINES
            self.tail.append(line)
            return
        self.left -= len(line) + 1
        self._put(line)

    def close(self) -> None:
        """Write the held back lines and close the file."""
        if self.dropped:
            self._put(f"# {self.dropped} lines omitted")
        for line in self.tail:
            self._put(line)
        if self.file is not None:
            with suppress(OSError):
                self.file.close()

    def _put(self, line: str) -> None:
        if self.file is not None:
            with suppress(OSError, ValueError):
                self.file.write(f"{line}\n")


@dataclass(frozen=True, slots=True)
class BuildLogs:
    """The logs in ``folder``; the ``limit`` newest are kept."""

    folder: Path
    limit: int = MAX_LOGS

    @contextmanager
    def recording(self, key: str, image: str) -> Iterator[Recording]:
        """Record the log of a build, including one that fails."""
        recording = Recording(self._open(key))
        recording.write(f"{_TITLE}{image}")
        try:
            yield recording
        except BaseException as error:
            recording.write(f"# failed: {error}")
            raise
        finally:
            recording.close()
            self._remove_old()

    def latest(self, image: str) -> Path | None:
        """Return the newest build log of the image, or None."""
        title = f"{_TITLE}{image}"
        for path in self._newest_first():
            with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
                if file.readline().rstrip("\n") == title:
                    return path
        return None

    def _open(self, key: str) -> TextIO | None:
        path = self.folder / f"{key}.log"
        try:
            private_folder(self.folder).chmod(PRIVATE_FOLDER)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            handle = os.open(path, flags, PRIVATE_FILE)
            os.fchmod(handle, PRIVATE_FILE)
            return os.fdopen(handle, "w", encoding="utf-8", errors="replace", buffering=1)
        except OSError:
            return None

    def _newest_first(self) -> list[Path]:
        logs: list[tuple[int, Path]] = []
        with suppress(OSError):
            for path in self.folder.glob("*.log"):
                with suppress(OSError):
                    logs.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(logs, reverse=True)]

    def _remove_old(self) -> None:
        for path in self._newest_first()[self.limit :]:
            with suppress(OSError):
                path.unlink()
