"""Every remote call of every operation on an engine, with every fault at it."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from os2cli.core.errors import NotFound, Os2Error
from os2cli.core.models import Command, LogRequest, MachineSpec, Streams
from os2cli.host.certificates import Certificate, HostCertificates
from os2cli.providers.local_docker.engine import client, failures, hijacked, sockets, streams
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.connection import connect
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.builder import LocalDockerBuilder
from os2cli.providers.local_docker.images.catalog import LocalImages
from os2cli.providers.local_docker.images.push import RegistryLogin, push_image
from os2cli.providers.local_docker.machines import creation, executions, machines, undoing
from os2cli.providers.local_docker.machines import logs as machine_logs
from os2cli.providers.local_docker.machines.machines import LocalDockerMachines
from os2cli.snapshots.building import BuildRequest
from tests.engine_stub import EngineStub, Fault, engine_stub
from tests.progress import RecordedProgress

SLOW = (Fault.HANG_BEFORE, Fault.HANG_AFTER, Fault.DRIP_HEAD, Fault.DRIP_BODY)
QUICK = tuple(fault for fault in Fault if fault not in SLOW)
_turns = itertools.count()
# Shorter than a hang of the stub, longer than an operation with short deadlines.
MUCH_SECONDS = 20.0
CERTIFICATES = HostCertificates((Certificate("PEM", "f" * 64, "a test"),))


@dataclass
class Rig:
    """One engine, and what os2 does on it."""

    stub: EngineStub
    engine: Engine
    machines: LocalDockerMachines
    builder: LocalDockerBuilder
    images: LocalImages
    request: BuildRequest
    progress: RecordedProgress


@contextmanager
def short_deadlines(rig: Rig) -> Iterator[None]:
    """Let every operation end soon; only around the one under test, for the host may be busy."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, seconds in (
            (client, "QUESTION_SECONDS", 0.4),
            (sockets, "HEAD_SECONDS", 0.6),
            (streams, "CHUNK_SECONDS", 0.6),
            (failures, "TIDYING_SECONDS", 0.4),
            (creation, "CREATE_SECONDS", 0.8),
            (machines, "CHANGE_SECONDS", 0.8),
            (machines, "LIST_SECONDS", 0.8),
            (undoing, "UNDO_SECONDS", 0.6),
            (executions, "END_SECONDS", 0.2),
            (hijacked, "FRAME_SECONDS", 0.4),
        ):
            patch.setattr(module, name, seconds)
        patch.setattr(rig.engine.client, "timeout", 0.6)
        patch.setitem(connect.__kwdefaults__ or {}, "request_seconds", 0.6)
        yield


@pytest.fixture
def rig(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rig]:
    """An engine on either kind of connection in turn."""
    monkeypatch.setattr(machines, "REMOVAL_SECONDS", 0.5)
    monkeypatch.setattr(machine_logs, "END_SECONDS", 0.3)
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 2**20)
    socket_file = tmp_path_factory.mktemp("s") / "s" if next(_turns) % 2 else None
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "Dockerfile").write_text("FROM scratch\n")
    with engine_stub(socket_file) as stub:
        engine = Engine(Endpoint(stub.url, "a test"))
        logs = BuildLogs(tmp_path / "logs")
        locks = tmp_path / "locks"
        yield Rig(
            stub,
            engine,
            LocalDockerMachines(engine, locks, CERTIFICATES),
            LocalDockerBuilder(engine, locks, tmp_path / "cache", HostCertificates(), logs),
            LocalImages(engine, logs, locks),
            BuildRequest(tree, Path("Dockerfile"), "iterate-sandbox:local", no_cache=True),
            RecordedProgress(),
        )
        engine.client.close()


def spec(name: str) -> MachineSpec:
    return MachineSpec(name=name, stage="dev-test", snapshot="iterate-sandbox:local")


def push(rig: Rig) -> None:
    image = rig.builder.find("iterate-sandbox:local")
    if image is None:
        return
    login = RegistryLogin("user", "hush")
    push_image(rig.engine, image, "cr.example/p/os2:x", login, rig.progress, rig.builder.lock_dir)


def execute(rig: Rig) -> None:
    rig.machines.execute("a", Command(("true",)), Streams(io.BytesIO(), io.BytesIO(), None))


OPERATIONS: dict[str, Callable[[Rig], object]] = {
    "create": lambda rig: rig.machines.create(spec("new"), rig.progress),
    "list": lambda rig: rig.machines.list(),
    "get": lambda rig: rig.machines.get("a"),
    "start": lambda rig: rig.machines.start("a"),
    "stop": lambda rig: rig.machines.stop("a"),
    "remove": lambda rig: rig.machines.remove("a"),
    "log tail": lambda rig: rig.machines.log_tail("a", 5),
    "log": lambda rig: list(rig.machines.logs("a", LogRequest(follow=True))),
    "exec": execute,
    "build": lambda rig: rig.builder.build(rig.request, rig.progress),
    "build with a secret": lambda rig: rig.builder.build(
        replace(rig.request, secrets={"npm": b"hunter2"}), rig.progress
    ),
    "images": lambda rig: rig.images.list(),
    "image users": lambda rig: rig.images.users(rig.images.list()),
    "push": push,
}


def calls(rig: Rig, operation: str) -> int:
    """Do the operation without a fault, and return how many calls it took."""
    rig.machines.create(spec("a"))
    before = rig.stub.count
    with suppress(Os2Error):  # the stub has no executions
        OPERATIONS[operation](rig)
    return rig.stub.count - before


def again(rig: Rig) -> None:
    """Forget everything but one machine."""
    rig.stub.faults.clear()
    rig.stub.containers.clear()
    rig.machines.create(spec("a"))
    rig.stub.count = 0


def assert_ends_well(rig: Rig, operation: str, number: int, fault: Fault) -> None:
    """Do the operation with a fault at one call: it succeeds, or fails as one of ours."""
    again(rig)
    rig.stub.faults[number] = fault
    error = None
    started = time.monotonic()
    try:
        with short_deadlines(rig) if fault in SLOW else nullcontext():
            OPERATIONS[operation](rig)
    except Os2Error as failure:
        error = failure
    case = f"{operation}, call {number}, {fault}: {error!r}"
    assert time.monotonic() - started < MUCH_SECONDS, case
    if error is None:
        return
    text = f"{error.message} {error.hint}"
    assert "<html" not in text.lower(), case
    assert "not a Docker engine" not in text, case
    assert len(text) < 2000, case
    if not isinstance(error, NotFound):
        assert error.hint, case
    if operation == "create" and "os2-new" in rig.stub.containers:
        assert "os2 machine rm new" in (error.hint or ""), case


@pytest.mark.parametrize("fault", QUICK)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_fault_at_any_call_is_one_error(rig: Rig, operation: str, fault: Fault) -> None:
    for number in range(calls(rig, operation)):
        assert_ends_well(rig, operation, number, fault)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_engine_that_is_slow_at_a_call_meets_the_deadline(rig: Rig, operation: str) -> None:
    count = calls(rig, operation)
    for fault, number in zip(SLOW, itertools.cycle({count - 1, count // 2, 0}), strict=False):
        assert_ends_well(rig, operation, number, fault)


@pytest.mark.parametrize("fault", SLOW)
def test_a_create_that_meets_the_deadline_leaves_nothing_unnamed(rig: Rig, fault: Fault) -> None:
    for number in range(calls(rig, "create")):
        assert_ends_well(rig, "create", number, fault)
