"""The Pythons of this computer that os2 runs on; `python tests/pythons.py` prints those to test on.

Standard library only: a session of nox runs it before anything is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)
_VERSION = "import sys; print(*sys.version_info[:3], sep='.', end=''); import ssl, sqlite3, ctypes"


def interpreters() -> dict[tuple[int, ...], str]:
    """Return every Python from the oldest that os2 promises on, once per version, the oldest first.

    A Python without its own modules (a shim that leads to nothing, a broken build) is none.
    """
    candidates = [sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"]
    # pyenv keeps its Pythons beside one another, wherever that is.
    candidates += [str(path) for path in Path(sys.base_prefix).parent.glob("*/bin/python3")]
    candidates += [str(p) for p in Path("/opt/hostedtoolcache/Python").glob("*/x64/bin/python3")]
    numbers = range(OLDEST[1], NEWEST[1] + 1)
    candidates += [path for n in numbers if (path := shutil.which(f"python3.{n}"))]
    pythons: dict[tuple[int, ...], str] = {}
    for python in candidates:
        if not Path(python).exists():
            continue
        done = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            version = tuple(map(int, done.stdout.strip().split(".")))
            if version >= OLDEST:
                pythons.setdefault(version, python)
    return dict(sorted(pythons.items()))


def chosen(pythons: dict[tuple[int, ...], str]) -> dict[tuple[int, ...], str]:
    """Return the oldest, the newest, and the distribution's own Python."""
    versions = list(pythons)
    system = [v for v, path in pythons.items() if path == "/usr/bin/python3"]
    return {v: pythons[v] for v in sorted({versions[0], versions[-1], *system})}


if __name__ == "__main__":
    for version, python in chosen(interpreters()).items():
        sys.stdout.write(f"{'.'.join(map(str, version))} {python}\n")
