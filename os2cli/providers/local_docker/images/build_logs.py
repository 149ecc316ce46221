"""The logs of past local builds on disk, a few of them, readable by their owner alone.

Each is named by the key of the image that was to be built, and begins with the image's name, so
that the log of a build that failed is found by the name that it would have had.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
MAX_LOGS = 20
# Of a longer log its beginning and its end are kept.
HEAD_BYTES, TAIL_LINES = 1_000_000, 1_000
MAX_LINE_LENGTH = 10_000
_TITLE = "# build of "


@dataclass(slots=True)
class Recording:
    """One log that is being written; a disk that is full loses lines and stops no build."""

    file: TextIO | None
    left: int = HEAD_BYTES
    dropped: int = 0
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    def write(self, line: str) -> None:
        """Keep one line."""
        line = line[:MAX_LINE_LENGTH]
        if self.left <= 0:
            self.dropped += len(self.tail) == TAIL_LINES
            self.tail.append(line)
            return
        self.left -= len(line) + 1
        self._put(line)

    def close(self) -> None:
        """Write what was held back."""
        if self.dropped:
            self._put(f"# {self.dropped} lines are left out here")
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
    """The logs in ``folder``, of which the ``most`` newest stay."""

    folder: Path
    most: int = MAX_LOGS

    @contextmanager
    def recording(self, key: str, image: str) -> Iterator[Recording]:
        """Keep the log of a build, also when it fails."""
        recording = Recording(self._open(key))
        recording.write(f"{_TITLE}{image}")
        try:
            yield recording
        except BaseException as error:
            recording.write(f"# it did not succeed: {error}")
            raise
        finally:
            recording.close()
            self._forget_old()

    def latest(self, image: str) -> Path | None:
        """The newest log of a build of that name."""
        title = f"{_TITLE}{image}"
        for path in self._newest_first():
            with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
                if file.readline().rstrip("\n") == title:
                    return path
        return None

    def _open(self, key: str) -> TextIO | None:
        path = self.folder / f"{key}.log"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
            self.folder.chmod(PRIVATE_FOLDER)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            handle = os.open(path, flags, PRIVATE_FILE)
            os.fchmod(handle, PRIVATE_FILE)
            return os.fdopen(handle, "w", encoding="utf-8", errors="replace", buffering=1)
        except OSError:
            return None

    def _newest_first(self) -> list[Path]:
        found: list[tuple[int, Path]] = []
        with suppress(OSError):
            for path in self.folder.glob("*.log"):
                with suppress(OSError):
                    found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found, reverse=True)]

    def _forget_old(self) -> None:
        for path in self._newest_first()[self.most :]:
            with suppress(OSError):
                path.unlink()
