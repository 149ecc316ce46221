"""Installing Node.js beside os2, from a Python package."""

from __future__ import annotations

import importlib
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from os2cli.core.errors import OperationFailed
from os2cli.core.fix import Fix
from os2cli.core.progress import Progress
from os2cli.host.programs import ProgramTimeout, run_program
from os2cli.host.repository import bundled_source
from os2cli.providers.local_process.node import PACKAGE, find_node

INSTALL_SECONDS = 600


def node_fix() -> Fix | None:
    """Return the fix that installs it if no Node.js is suitable and pip or uv can."""
    try:
        find_node()
    except OperationFailed:
        argv = installer()
        if argv is None:
            return None
        actions = (" ".join(argv),)
        return Fix(
            "install-node", "install Node.js", actions, lambda progress: install(argv, progress)
        )
    return None


def installer(hashed: Path | None = None) -> list[str] | None:
    """Return the command that installs it, with hashes if os2 runs from a checkout."""
    hashed = hashed or bundled_source().root / "requirements" / "node.txt"
    package = ["--require-hashes", f"--requirement={hashed}"] if hashed.is_file() else [PACKAGE]
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--quiet", *package]
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is not None:
        return [uv, "pip", "install", "--quiet", f"--python={sys.executable}", *package]
    return None


def install(argv: list[str], progress: Progress) -> None:
    """Run the command and check that Node.js is found afterwards."""
    progress.status("downloading Node.js")
    try:
        result = run_program(argv, timeout=INSTALL_SECONDS)
    except ProgramTimeout:
        raise _not_installed(f"timed out after {INSTALL_SECONDS} s") from None
    if result.returncode != 0:
        reason = f"{Path(argv[0]).name} failed with exit code {result.returncode}"
        raise _not_installed(reason, result.tail)
    importlib.invalidate_caches()
    find_node()


def _not_installed(reason: str, lines: tuple[str, ...] = ()) -> OperationFailed:
    return OperationFailed(
        f"cannot install Node.js: {reason}",
        hint="install Node.js 24 from nodejs.org and add it to the PATH",
        code="node_not_installed",
        log_tail=lines,
    )
