"""Vendored files are the published ones, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine  # the session that installs from npm

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "os2cli/ui/static"
PACKAGES = ROOT / "tests/browser/node_modules"
# A vendored file, and where its package has it.
FILES = {
    "xterm/xterm.mjs": "@xterm/xterm/lib/xterm.mjs",
    "xterm/xterm.css": "@xterm/xterm/css/xterm.css",
    "xterm/LICENSE": "@xterm/xterm/LICENSE",
    "xterm/addon-fit.mjs": "@xterm/addon-fit/lib/addon-fit.mjs",
    "xterm/LICENSE-addon-fit": "@xterm/addon-fit/LICENSE",
    "posthog/array.no-external.js": "posthog-js/dist/array.no-external.js",
    "posthog/posthog-recorder.js": "posthog-js/dist/posthog-recorder.js",
    "posthog/LICENSE": "posthog-js/LICENSE",
}
OURS = {
    "xterm/README.md",
    "xterm/xterm.d.mts",
    "xterm/addon-fit.d.mts",
    "posthog/README.md",
}
VERSIONS = {"@xterm/xterm": "xterm", "@xterm/addon-fit": "xterm", "posthog-js": "posthog"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_the_published_one(name: str) -> None:
    vendored, published = STATIC / "vendor" / name, PACKAGES / FILES[name]
    assert vendored.read_bytes() == published.read_bytes()


@pytest.mark.parametrize("package", VERSIONS)
def test_the_version_is_recorded(package: str) -> None:
    about = (STATIC / "vendor" / VERSIONS[package] / "README.md").read_text()
    version = json.loads((PACKAGES / package / "package.json").read_text())["version"]
    assert f"`{package}` | {version} |" in about


def test_nothing_else_is_vendored() -> None:
    vendor = STATIC / "vendor"
    files = {path.relative_to(vendor).as_posix() for path in vendor.rglob("*") if path.is_file()}
    assert files == {*FILES, *OURS}


def test_the_page_s_hashes_are_those_that_posthog_publishes() -> None:
    integrity = json.loads((PACKAGES / "posthog-js/dist/integrity.json").read_text())
    page = (STATIC / "analytics.js").read_text()
    for file in ("posthog-recorder.js", "array.no-external.js"):
        assert f'"{integrity["files"][file]}"' in page
