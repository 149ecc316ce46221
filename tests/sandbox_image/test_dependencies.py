"""When a machine installs what its repository needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import REPOSITORY, Sandbox, write_files

pytestmark = pytest.mark.engine

# Neither needs the network: the dependency is in the repository.
NOTHING = {
    "package.json": '{"name": "x"}\n',
    "pnpm-lock.yaml": """\
lockfileVersion: '9.0'
settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false
importers:
  .: {}
""",
}
NEIGHBOUR = {
    "neighbour/package.json": '{"name": "neighbour", "version": "1.0.0"}\n',
    "package.json": '{"name": "x", "dependencies": {"neighbour": "link:neighbour"}}\n',
    "pnpm-lock.yaml": """\
lockfileVersion: '9.0'
settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false
importers:
  .:
    dependencies:
      neighbour:
        specifier: link:neighbour
        version: link:neighbour
""",
}
STEP = "entry: dependencies: "


def done(sandbox: Sandbox) -> list[str]:
    return [line.removeprefix(STEP).partition(" (")[0] for line in sandbox.lines(STEP)]


def test_they_are_installed_when_the_lockfile_changed_and_only_then(
    run_sandbox: RunSandbox, checkout: Path
) -> None:
    write_files(checkout, NOTHING)
    sandbox = run_sandbox(mount=checkout)
    sandbox.restart().wait_until_healthy()

    write_files(checkout, NEIGHBOUR)
    sandbox.restart().wait_until_healthy()

    assert done(sandbox) == ["installed with pnpm", "up to date", "installed with pnpm"]
    assert sandbox.has(f"{REPOSITORY}/node_modules/neighbour")


def test_deleted_ones_are_reinstalled(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(checkout, NEIGHBOUR)
    sandbox = run_sandbox(mount=checkout)
    sandbox.output("rm", "-r", f"{REPOSITORY}/node_modules")

    sandbox.restart().wait_until_healthy()

    assert done(sandbox) == ["installed with pnpm", "installed with pnpm"]
    assert sandbox.has(f"{REPOSITORY}/node_modules/neighbour")


def test_without_a_lockfile_nothing_is_installed(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(checkout, {"package.json": NOTHING["package.json"]})

    sandbox = run_sandbox(mount=checkout)

    assert done(sandbox) == ["none declared"]


def test_a_mismatched_lockfile_is_reported(run_sandbox: RunSandbox, checkout: Path) -> None:
    write_files(checkout, NEIGHBOUR | {"pnpm-lock.yaml": NOTHING["pnpm-lock.yaml"]})

    sandbox = run_sandbox(wait=False, mount=checkout)

    assert sandbox.wait_until_ended() == 1
    (line,) = sandbox.complaints()
    assert line.startswith("entry: step dependencies failed: pnpm install: ")
    assert "ERR_PNPM_OUTDATED_LOCKFILE" in line
