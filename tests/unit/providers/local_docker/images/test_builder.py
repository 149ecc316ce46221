"""How often a build reads the tree, against the wire of an engine."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.builder import LocalDockerBuilder
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.images import ensure_image
from tests.engine_stub import EngineStub, engine_stub

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
def stub() -> Iterator[EngineStub]:
    """An engine that answers every build."""
    with engine_stub() as stub:
        yield stub


@pytest.fixture
def builder(stub: EngineStub, tmp_path: Path) -> Iterator[LocalDockerBuilder]:
    """A builder for it."""
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


def test_a_build_that_fails_leaves_no_session(
    builder: LocalDockerBuilder, stub: EngineStub, request_: BuildRequest
) -> None:
    """The error keeps the frames that hold it: at the interpreter's end nothing could end it."""
    before = {*threading.enumerate()}
    stub.built = {"error": "it failed"}

    with pytest.raises(OperationFailed, match="it failed") as caught:
        builder.build(request_)

    left = [each.name for each in {*threading.enumerate()} - before]
    assert [name for name in left if "Pool" in name or "_receive" in name or "_send" in name] == []
    assert caught.value.code == "build_failed"


def test_without_buildkit_missing_images_are_pulled_first(
    builder: LocalDockerBuilder, stub: EngineStub, request_: BuildRequest
) -> None:
    (request_.root / "Dockerfile").write_text(
        "FROM scratch\nCOPY --from=missing/one:2 / /one\nCOPY --from=present / /two\n"
    )
    stub.podman = True

    builder.build(request_)

    asked = [path for method, path, _ in stub.requests if method == "POST"]
    pulls = [path.partition("?")[2] for path in asked if "/images/create" in path]
    assert [pull.split("&")[0] for pull in pulls] == ["tag=2"]
    assert ["/images/create" in path for path in asked[:2]] == [True, False]
