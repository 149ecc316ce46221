"""How often a build reads the tree, against the wire of an engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.builder import LocalDockerBuilder
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.images import ensure_image
from tests.engine_stub import engine_stub

MARKER = "counted-by-test-builder.txt"
_OPENED: list[str] = []


def _note_open(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and MARKER in str(arguments[0]):
        _OPENED.append(str(arguments[0]))


@pytest.fixture(scope="module", autouse=True)
def audited() -> None:
    """Count every opening of the marker; Python has no way to take an audit hook away."""
    sys.addaudithook(_note_open)


@pytest.fixture
def builder(tmp_path: Path) -> Iterator[LocalDockerBuilder]:
    """A builder whose engine answers every build."""
    with engine_stub() as stub:
        engine = Engine(Endpoint(stub.url, "a test"))
        yield LocalDockerBuilder(
            engine,
            tmp_path / "locks",
            tmp_path / "cache",
            HostCertificates(),
            BuildLogs(tmp_path / "logs"),
        )
        engine.client.close()


@pytest.fixture
def request_(tmp_path: Path) -> BuildRequest:
    """A build of a folder that holds the marker."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "Dockerfile").write_text("FROM scratch\n")
    (tree / MARKER).write_text("content")
    _OPENED.clear()
    return BuildRequest(tree, Path("Dockerfile"), "iterate-sandbox:local")


# For its key, for secrets in it, and for the engine.
READS = 3


def test_a_build_reads_each_file_three_times(
    builder: LocalDockerBuilder, request_: BuildRequest
) -> None:
    assert builder.build(request_).built

    assert len(_OPENED) == READS


def test_a_rebuild_for_a_machine_reads_no_more_than_a_build(
    builder: LocalDockerBuilder, request_: BuildRequest
) -> None:
    assert ensure_image(builder, request_, rebuild=True).built

    assert len(_OPENED) == READS


def test_a_build_of_a_tree_that_was_read_before_only_sends_it(
    builder: LocalDockerBuilder, request_: BuildRequest
) -> None:
    inputs = builder.read(request_)
    read = len(_OPENED)

    assert builder.build(request_, inputs=inputs).built

    assert (read, len(_OPENED)) == (1, READS)
