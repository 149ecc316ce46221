"""A working tree is sent before each start by os2, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from os2cli.core.errors import Os2Error
from os2cli.core.models import MachineSpec
from os2cli.host.certificates import HostCertificates
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines
from tests.engine_stub import EngineStub, Fault, engine_stub

SPEC = MachineSpec(name="a", stage="dev-test", snapshot="iterate-sandbox:local")
LIST = "/mnt/repo/.git/os2-files"
TOKEN = "gh" + "p_" + "aB3" * 12
# The calls of a create: look, ports, create, then the list, the files and the list.
FILES = 4


@pytest.fixture
def stub() -> Iterator[EngineStub]:
    with engine_stub() as stub:
        yield stub


@pytest.fixture
def machines(stub: EngineStub, tmp_path: Path) -> Iterator[LocalDockerMachines]:
    engine = Engine(Endpoint(stub.url, "a test"))
    yield LocalDockerMachines(engine, tmp_path / "locks", HostCertificates())
    engine.client.close()


@pytest.fixture(params=[b"repo", b"a:b", b"with,=\"'$ \n", b"not\xffutf8", "ü".encode()])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    root = tmp_path / os.fsdecode(request.param)
    (root / "src").mkdir(parents=True)
    (root / "src/a.txt").write_text("a")
    return root


def create(machines: LocalDockerMachines, root: Path, *, secrets: bool = False) -> None:
    machines.create(replace(SPEC, mount_repo=root, mount_secrets=secrets))


def sent(stub: EngineStub) -> list[str]:
    """Return the paths of the requests that sent files, and forget them."""
    paths = [path for method, path, _ in stub.requests if method == "PUT"]
    stub.requests.clear()
    return paths


def test_a_new_machine_gets_the_files_and_their_list(
    machines: LocalDockerMachines, stub: EngineStub, root: Path
) -> None:
    create(machines, root)

    assert stub.files["/mnt/repo/src/a.txt"] == b"a"
    assert stub.files[LIST].startswith(b"os2-files 1\0psrc/a.txt\0f644 1 ")
    starts = [n for n, (_, path, _) in enumerate(stub.requests) if path.endswith("/start")]
    last = max(n for n, (method, _, _) in enumerate(stub.requests) if method == "PUT")
    assert last < starts[0]


def test_a_start_sends_what_changed_and_no_more(
    machines: LocalDockerMachines, stub: EngineStub, root: Path
) -> None:
    create(machines, root)
    machines.stop("a")
    sent(stub)

    machines.start("a")
    assert sent(stub) == []

    machines.stop("a")
    (root / "src/b.txt").write_text("b")
    (root / "src/a.txt").unlink()
    machines.start("a")

    assert len(sent(stub)) == 3
    assert stub.files["/mnt/repo/src/b.txt"] == b"b"
    assert b"src/a.txt" not in stub.files[LIST]


def test_a_running_machine_is_left_alone(
    machines: LocalDockerMachines, stub: EngineStub, root: Path
) -> None:
    create(machines, root)
    (root / "src/b.txt").write_text("b")
    sent(stub)

    machines.start("a")

    assert sent(stub) == []


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_tree_that_is_gone_does_not_keep_a_machine_from_starting(
    machines: LocalDockerMachines, stub: EngineStub, root: Path, *, is_empty: bool
) -> None:
    create(machines, root)
    machines.stop("a")
    whole = stub.files[LIST]
    shutil.move(root, root.with_name("elsewhere"))
    if is_empty:
        root.mkdir()

    machines.start("a")

    assert stub.containers["os2-a"]["State"]["Status"] == "running"
    assert stub.files[LIST].startswith(b"unfinished\0n")
    # When it is back, all is sent: it is not known how far the last time came.
    machines.stop("a")
    if is_empty:
        root.rmdir()
    shutil.move(root.with_name("elsewhere"), root)
    machines.start("a")
    assert stub.files[LIST] == whole


@pytest.mark.parametrize("secrets", [True, False])
def test_a_secret_that_came_later_is_sent_only_if_it_was_allowed(
    machines: LocalDockerMachines, stub: EngineStub, root: Path, *, secrets: bool
) -> None:
    create(machines, root, secrets=secrets)
    machines.stop("a")
    (root / "notes").write_text(TOKEN)

    machines.start("a")

    assert ("/mnt/repo/notes" in stub.files) is secrets
    assert (b"notes looks like" in stub.files[LIST]) is not secrets


@pytest.mark.parametrize("number", [FILES - 1, FILES, FILES + 1])
@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.STATUS_500])
def test_a_create_whose_files_cannot_be_sent_is_undone(
    machines: LocalDockerMachines, stub: EngineStub, tmp_path: Path, number: int, fault: Fault
) -> None:
    stub.faults[number] = fault

    with pytest.raises(Os2Error):
        create(machines, tmp_path)

    assert stub.containers == {}


def test_a_list_on_the_way_says_that_it_is_unfinished(
    machines: LocalDockerMachines, stub: EngineStub, root: Path
) -> None:
    create(machines, root)
    machines.stop("a")
    (root / "src/b.txt").write_text("b")
    stub.requests.clear()
    # Look, look, inspect, read the list, write it, send.
    stub.faults[stub.count + 4] = Fault.STATUS_500

    with pytest.raises(Os2Error):
        machines.start("a")

    assert stub.files[LIST] == b"unfinished\0"
