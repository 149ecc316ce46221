"""Vendored files are the published ones, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine  # the session that installs from npm

ROOT = Path(__file__).parents[2]
VENDORED = ROOT / "os2cli/ui/static/vendor/xterm"
PACKAGES = ROOT / "tests/browser/node_modules/@xterm"
FILES = {
    "xterm.mjs": "xterm/lib/xterm.mjs",
    "xterm.css": "xterm/css/xterm.css",
    "LICENSE": "xterm/LICENSE",
    "addon-fit.mjs": "addon-fit/lib/addon-fit.mjs",
    "LICENSE-addon-fit": "addon-fit/LICENSE",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_the_published_one(name: str) -> None:
    assert (VENDORED / name).read_bytes() == (PACKAGES / FILES[name]).read_bytes()


def test_versions_are_recorded_and_nothing_else_is_there() -> None:
    about = (VENDORED / "README.md").read_text()
    for name in ("xterm", "addon-fit"):
        version = json.loads((PACKAGES / name / "package.json").read_text())["version"]
        assert f"| `@xterm/{name}` | {version} |" in about

    ours = {"README.md", "xterm.d.mts", "addon-fit.d.mts"}
    assert {path.name for path in VENDORED.iterdir()} == {*FILES, *ours}
