"""What every catalog promises; see ``os2cli.snapshots.catalog``."""

from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import pytest

from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import Conflict, NotFound, Os2Error
from os2cli.core.models import LOCAL_DOCKER, SnapshotState
from os2cli.providers import labels
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.snapshots.catalog import DaytonaCatalog
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.providers.local_docker.images.catalog import LocalImages
from os2cli.snapshots.catalog import Catalog, CatalogItem
from tests.contract.memory_catalog import MemoryCatalog
from tests.daytona_server import DaytonaServer, Timing
from tests.engine import engine_endpoint

MOMENT = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
KEY = "ab" * 32
LOG = ("#1 the first step", "#2 the second")


@dataclass
class Subject:
    """A catalog under test; ``make`` creates an item, ``use`` a machine from one."""

    catalog: Catalog
    make: Callable[[str], str]
    use: Callable[[str], str]
    foreign: Callable[[], str]
    missing: str

    def names(self, *made: str) -> list[str]:
        """Return the listed items that this test created."""
        return [item.name for item in self.catalog.list() if item.name in made]


def memory(stack: ExitStack, folder: Path) -> Subject:
    """Items that are records."""
    del stack, folder
    catalog = MemoryCatalog()

    def make(name: str) -> str:
        age = timedelta(minutes=len(catalog.items))
        item = CatalogItem(
            name, name, LOCAL_DOCKER, SnapshotState.ACTIVE, MOMENT + age, key=KEY, size_bytes=1
        )
        catalog.items.append(item)
        catalog.logs[name] = LOG
        return name

    def use(name: str) -> str:
        catalog.used_by[name] = ("user",)
        return "user"

    def foreign() -> str:
        catalog.foreign.add("foreign")
        return "foreign"

    return Subject(catalog, make, use, foreign, "none")


def local_docker(stack: ExitStack, folder: Path) -> Subject:
    """Empty images on the engine."""
    endpoint = engine_endpoint()
    engine = stack.enter_context(_closing(docker.APIClient(base_url=endpoint.url, version="auto")))
    run = f"os2-test-{uuid.uuid4().hex[:8]}"
    logs = BuildLogs(folder / "logs")

    def make(name: str) -> str:
        full = f"{run}:{name}"
        marks = f'LABEL {labels.IMAGE_KEY}="{KEY}" {labels.IMAGE_NAME}="{full}"'
        _import(stack, engine, run, name, marks)
        with logs.recording(name, full) as log:
            for line in LOG:
                log.write(line)
        return full

    def use(name: str) -> str:
        container = engine.create_container(name, ["none"], name=f"{run}-user")["Id"]
        # Before its image is removed.
        stack.callback(engine.remove_container, container)
        return f"{run}-user"

    def foreign() -> str:
        # Like a user's own image that is built on one of ours.
        marks = f'LABEL {labels.IMAGE_KEY}="{KEY}" {labels.IMAGE_NAME}="{run}:other"'
        return _import(stack, engine, run, "foreign", marks)

    return Subject(
        LocalImages(Engine(endpoint), logs, folder / "locks"), make, use, foreign, f"{run}:none"
    )


def daytona_stub(stack: ExitStack, folder: Path) -> Subject:
    """Snapshots of the Daytona test server."""
    del folder
    return _on_daytona(stack, stack.enter_context(DaytonaServer(timing=Timing(delete=0.3))))


def daytona(stack: ExitStack, folder: Path) -> Subject:
    """The same with an engine behind it."""
    del folder
    return _on_daytona(stack, stack.enter_context(DaytonaServer(engine_endpoint().url)))


def _on_daytona(stack: ExitStack, server: DaytonaServer) -> Subject:
    client = stack.enter_context(DaytonaClient(DaytonaAccess(server.url, api_key=server.api_key)))
    stack.callback(lambda: pytest.fail(str(server.violations)) if server.violations else None)
    made: list[str] = []

    def make(name: str) -> str:
        del name
        moment = MOMENT + timedelta(minutes=len(made))
        made.append(f"dev-test--{moment:%Y%m%d-%H%M%S}")
        dockerfile = f"FROM scratch\n# {made[-1]}\n# os2-key: {KEY}\n"
        server.add_snapshot(made[-1], created=moment, dockerfile=dockerfile)
        for log in server.build_logs.values():
            log.text = "\n".join(LOG) + "\n"
        return made[-1]

    def use(name: str) -> str:
        server.add_sandbox("somebody-s-own", snapshot=name, state="stopped")
        return "somebody-s-own"

    def foreign() -> str:
        return str(server.add_snapshot("team/tools:1")["id"])

    return Subject(DaytonaCatalog(client), make, use, foreign, "dev-test--20200101-000000")


def _closing(client: docker.APIClient) -> docker.APIClient:
    class Closing:
        def __enter__(self) -> docker.APIClient:
            return client

        def __exit__(self, *_: object) -> None:
            client.close()

    return Closing()  # type: ignore[return-value]


def _import(
    stack: ExitStack, engine: docker.APIClient, repository: str, tag: str, marks: str
) -> str:
    """An image of one file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"{repository}-{tag}"))
    engine.import_image_from_data(content.getvalue(), repository, tag, changes=[marks])
    name = f"{repository}:{tag}"

    def remove() -> None:
        with suppress(docker.errors.ImageNotFound):
            engine.remove_image(name, force=True)

    stack.callback(remove)
    return name


@pytest.fixture(
    params=[
        memory,
        daytona_stub,
        pytest.param(local_docker, marks=pytest.mark.engine),
        pytest.param(daytona, marks=pytest.mark.engine),
    ]
)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """Each catalog in turn; leftovers of a test are removed."""
    with ExitStack() as stack:
        yield request.param(stack, tmp_path)


def test_a_created_item_is_listed_with_its_details(subject: Subject) -> None:
    name = subject.make("a")

    (item,) = [item for item in subject.catalog.list() if item.name == name]

    assert item.type == subject.catalog.type
    assert item.state is SnapshotState.ACTIVE
    assert item.key == KEY
    assert not item.untagged
    assert subject.catalog.get(name) == item
    assert subject.catalog.get(item.name).id == item.id


def test_the_newest_comes_first(subject: Subject) -> None:
    first, second = subject.make("a"), subject.make("b")

    items = [item for item in subject.catalog.list() if item.name in (first, second)]

    assert sorted(items, key=lambda item: item.created, reverse=True) == items
    assert len(items) == 2


def test_another_stage_has_none_of_it(subject: Subject) -> None:
    name = subject.make("a")

    assert name not in [item.name for item in subject.catalog.list("pr-999")]


def test_an_unknown_name_is_not_found(subject: Subject) -> None:
    assert subject.catalog.could_contain(subject.missing)
    with pytest.raises(NotFound):
        subject.catalog.get(subject.missing)


def test_what_os2_did_not_create_is_neither_listed_nor_returned(subject: Subject) -> None:
    name = subject.foreign()

    assert subject.names(name) == []
    with pytest.raises(Conflict) as caught:
        subject.catalog.get(name)
    assert caught.value.code == "not_ours"


def test_a_removed_one_is_gone_when_this_returns(subject: Subject) -> None:
    name, other = subject.make("a"), subject.make("b")
    item = subject.catalog.get(name)

    assert subject.catalog.remove(item) is True

    assert subject.names(name, other) == [other]
    with pytest.raises(NotFound):
        subject.catalog.get(name)
    assert subject.catalog.remove(item) is False


def test_machines_of_all_users_are_listed(subject: Subject) -> None:
    used, unused = subject.make("a"), subject.make("b")
    user = subject.use(used)
    items = [subject.catalog.get(used), subject.catalog.get(unused)]

    assert subject.catalog.users(items) == {items[0].id: (user,)}


def test_the_log_of_its_build_can_be_read(subject: Subject) -> None:
    name = subject.make("a")

    lines = list(subject.catalog.log(name))

    assert lines[-len(LOG) :] == list(LOG)


def test_a_missing_log_is_reported(subject: Subject) -> None:
    with pytest.raises(Os2Error) as caught:
        list(subject.catalog.log(subject.missing))

    assert isinstance(caught.value, NotFound)
