"""`nox -s package`: what a wheel holds, `wheel.py FILE`: our files, and nothing that lay beside."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUNDLED = "os2cli/bundled/"
# Files in sandbox/ that are for its development only.
LEFT_OUT = (
    "sandbox/test/",
    "sandbox/.gitignore",
    "sandbox/biome.json",
    "sandbox/pnpm-lock.yaml",
    "sandbox/tsconfig.json",
)


def expected() -> set[str]:
    """Return the files of the checkout that belong into the wheel, by their names there."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    sandbox = {
        BUNDLED + name
        for name in listed
        if name.startswith("sandbox/") and not name.startswith(LEFT_OUT)
    }
    return sandbox | {name for name in listed if name.startswith("os2cli/")}


def main(wheel: Path) -> None:
    """Compare the names; fail with those that differ."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = expected()
    if "os2cli/py.typed" not in held:
        sys.exit("missing: os2cli/py.typed, which tells type checkers that os2cli has types")
    if held != wanted:
        sys.exit(f"missing: {sorted(wanted - held)}\nunexpected: {sorted(held - wanted)}")
    print(f"{wheel.name}: {len(held)} files, {wheel.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
