"""The name that an image has during a push: found when the push was killed, and only then."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.catalog import LocalImages
from os2cli.providers.local_docker.images.push import is_left_over, transient_reference
from os2cli.snapshots.inventory import list_inventory, remove_entries
from os2cli.snapshots.pruning import PruningRules, plan_pruning
from tests.engine_stub import EngineStub, engine_stub

OURS = "iterate-sandbox:local"
# What a user may call the same image.
OTHERS = ["mine:local", "registry.test/team/os2-app:1", "registry.test/os2-abc:20260111-193045-key"]
# Holds the lock of a push until it is killed.
PUSH = """
import sys
from pathlib import Path
from os2cli.providers.local_docker.images.push import _pushing
with _pushing(Path(sys.argv[1]), sys.argv[2]):
    print("pushing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def stub() -> Iterator[EngineStub]:
    """An engine with one image of ours."""
    with engine_stub() as stub:
        yield stub


@pytest.fixture
def images(stub: EngineStub, tmp_path: Path) -> Iterator[LocalImages]:
    """The catalog of that engine."""
    engine = Engine(Endpoint(stub.url, "a test"))
    yield LocalImages(engine, BuildLogs(tmp_path / "logs"), tmp_path / "locks")
    engine.client.close()


@settings(deadline=None, max_examples=25)
@given(
    place=st.from_regex(r"[a-z0-9.-]{1,20}(:[0-9]{1,5})?(/[a-z0-9_-]{1,9}){1,3}", fullmatch=True),
    key=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
)
def test_every_name_of_a_push_is_known(
    tmp_path_factory: pytest.TempPathFactory, place: str, key: str
) -> None:
    assert is_left_over(transient_reference(place, key), tmp_path_factory.getbasetemp())


def test_it_is_in_use_until_the_push_ends_or_is_killed(
    stub: EngineStub, images: LocalImages, tmp_path: Path
) -> None:
    name = transient_reference("registry.test/project", "a" * 64)
    stub.names = [OURS, name, *OTHERS]
    with subprocess.Popen(
        [sys.executable, "-c", PUSH, str(tmp_path / "locks"), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as push:
        assert push.stdout is not None
        push.stdout.readline()
        during = [item.name for item in images.list()]
        push.send_signal(signal.SIGKILL)
        push.wait(30)
        afterwards = {item.name: item.left_over for item in images.list()}

    assert during == [OURS]
    assert afterwards == {OURS: False, name: True}


def test_a_prune_removes_the_name_also_of_an_image_in_use(
    stub: EngineStub, images: LocalImages
) -> None:
    name = transient_reference("registry.test/project", "a" * 64)
    stub.names = [OURS, name, *OTHERS]
    entries = list_inventory({images.type: lambda: images}).entries
    items = [entry.item for entry in entries]
    rules = PruningRules(current=(OURS,))

    plan = plan_pruning(items, {item.id for item in items}, datetime.now(UTC), rules)
    goes = {verdict.item.name: verdict.reason for verdict in plan if verdict.goes}
    remove_entries({e.item.name: e for e in entries if e.item.name in goes}, force=False)

    assert goes == {name: "left by an interrupted push"}
    removed = [path for method, path, _ in stub.requests if method == "DELETE"]
    assert len(removed) == 1
    assert "/os2-" in removed[0]
