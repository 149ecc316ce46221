"""What a command reaches through the proxy: Daytona's test server, an engine's API, an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from os2cli.providers.labels import IMAGE_NAME
from tests.cli.lives import browser
from tests.command import Os2, base_environment
from tests.daytona_server import DaytonaServer, Timing
from tests.daytona_server.registry import Registry
from tests.engine import engine_endpoint, sandbox_image
from tests.engine_stub import engine_stub, repository_of
from tests.faults.proxy import FaultProxy

if TYPE_CHECKING:
    import docker

NEWEST = "stg--20260111-193045"
ASLEEP = "stg--20260101-000000"
QUICK = Timing(pending=0, build=0, pull=0, boot=0, stop=0, archive=0, delete=0)
OLD = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
THEIRS = "theirs"
EMPTY = "FROM scratch\nCOPY notes /\n"
# What is left of a machine that has only its network.
NETWORK = "network"


@dataclass(frozen=True)
class Setting:
    """The command line, the proxy before what it reaches, and a look behind the proxy.

    ``things`` maps the name of each machine, and of what is not ours, to its state.
    """

    os2: Os2
    proxy: FaultProxy
    things: Callable[[], Mapping[str, str]]


Place = Callable[[Path], AbstractContextManager[Setting]]


def _os2(folder: Path, variables: Mapping[str, str], dockerfile: str = EMPTY) -> Os2:
    (folder / "work" / "sandbox").mkdir(parents=True)
    (folder / "work" / "sandbox" / "Dockerfile").write_text(dockerfile)
    (folder / "work" / "notes").write_text("one\n")
    env = base_environment(folder / "home") | {"OS2_TELEMETRY": "0"}
    return Os2(folder / "work", env | browser(folder) | dict(variables))


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)


@contextmanager
def daytona(folder: Path) -> Iterator[Setting]:
    """Daytona's test server; its sandboxes are directories."""
    with DaytonaServer(timing=QUICK) as server, FaultProxy(_address(server.origin)) as proxy:
        # The addresses in its answers also lead through the proxy.
        server.origin = proxy.origin
        server.public = lambda url: proxy.before(_address(url))
        server.add_snapshot(NEWEST, created=OLD)
        server.add_snapshot(ASLEEP, state="inactive", created=OLD)
        server.add_sandbox(THEIRS)
        variables = {
            "APP_STAGE": "stg",
            "DAYTONA_API_URL": server.url,
            "DAYTONA_API_KEY": server.api_key,
            "DOCKER_HOST": "tcp://127.0.0.1:1",
        }
        os2 = _os2(folder, variables)

        def things() -> Mapping[str, str]:
            gone = ("destroying", "destroyed")
            boxes = {s.name: s.state for s in server.sandboxes if s.state not in gone}
            known = {s.name: s.state for s in server.snapshots if s.name in (NEWEST, ASLEEP)}
            made = [s.state for s in server.snapshots if s.name not in known]
            sent = [(server.home(name) / "notes").is_file() for name in boxes]
            back = (os2.folder / "back").is_file()
            files = {"notes": str(sum(sent)), "back": str(int(back))}
            return boxes | known | {"published": " ".join(made)} | files

        yield Setting(os2, proxy, things)


@contextmanager
def engine_api(folder: Path) -> Iterator[Setting]:
    """The API of an engine, without an engine."""
    with engine_stub() as stub, FaultProxy(_address(stub.url)) as proxy:
        stub.add_foreign(THEIRS)
        stub.repository = partial(repository_of, folder / "work", folder / "home")
        variables = {"ITERATE_USER": "me", "DOCKER_HOST": f"tcp://127.0.0.1:{proxy.port}"}

        def things() -> Mapping[str, str]:
            boxes = {name: box["State"]["Status"] for name, box in stub.containers.items()}
            return _with_networks(boxes, stub.networks)

        yield Setting(_os2(folder, variables), proxy, things)


@contextmanager
def engine(folder: Path) -> Iterator[Setting]:
    """The real engine, whose socket the proxy opens; only machines named after the folder count."""
    import docker

    socket = engine_endpoint().socket
    assert socket is not None, "the faults need the engine's socket"
    image = f"os2-{folder.name}:local"
    with FaultProxy(socket) as proxy:
        variables = {
            "ITERATE_USER": "me",
            "DOCKER_HOST": f"tcp://127.0.0.1:{proxy.port}",
            # Its own: a command may build, and then replaces the image of that name.
            "LOCAL_DOCKER_IMAGE_NAME": image,
        }
        os2 = _os2(folder, variables, f"FROM {sandbox_image()}\n")
        client = docker.DockerClient(f"unix://{socket}")

        def things() -> Mapping[str, str]:
            ours = {"name": f"os2-{folder.name}"}
            boxes = client.api.containers(all=True, filters=ours)
            machines = _with_networks(
                {str(box["Names"][0]).removeprefix("/"): str(box["State"]) for box in boxes},
                [str(network["Name"]) for network in client.api.networks(filters=ours)],
            )
            return {**machines, "image": str(len(client.api.images(image)))}

        try:
            built = os2("snapshot", "local-docker")
            assert built.status == 0, built.stderr
            yield Setting(os2, proxy, things)
        finally:
            for name, state in things().items():
                if name == "image":
                    continue
                if state != NETWORK:
                    client.api.remove_container(name, force=True, v=True)
                if NETWORK in state:
                    client.api.remove_network(name)
            _remove_containers(client, image)
            if client.api.images(image):
                client.api.remove_image(image, force=True)
            client.close()


def _with_networks(machines: Mapping[str, str], networks: Iterable[str]) -> Mapping[str, str]:
    """Return the states of machines, which also name the networks of the same names."""
    return {
        **machines,
        **{
            name: f"{machines[name]}, {NETWORK}" if name in machines else NETWORK
            for name in networks
        },
    }


@contextmanager
def builder(folder: Path) -> Iterator[Setting]:
    """An engine that builds and pushes, and Daytona, which takes the snapshot from its registry."""
    import docker

    socket = engine_endpoint().socket
    assert socket is not None, "the faults need the engine's socket"
    stage = f"dev-{folder.name}"
    with (
        Registry() as registry,
        DaytonaServer(None, None, registry, QUICK) as server,
        FaultProxy(_address(server.origin)) as proxy,
    ):
        server.origin = proxy.origin
        variables = {
            "APP_STAGE": stage,
            "DAYTONA_API_URL": server.url,
            "DAYTONA_API_KEY": server.api_key,
            "DOCKER_HOST": proxy.before(socket).replace("http", "tcp"),
        }
        os2 = _os2(folder, variables)
        client = docker.DockerClient(f"unix://{socket}")
        image = f"os2-snapshot:{stage}"

        def things() -> Mapping[str, str]:
            tags = [tag for each in client.api.images() for tag in each["RepoTags"] or ()]
            return {
                "published": " ".join(each.state for each in server.snapshots),
                "image": str(tags.count(image)),
            }

        try:
            yield Setting(os2, proxy, things)
        finally:
            _remove_containers(client, image)
            for each in client.api.images():
                for tag in each["RepoTags"] or ():
                    if tag == image or tag.startswith(registry.host):
                        client.api.remove_image(tag, force=True)
            client.close()


def _remove_containers(client: docker.DockerClient, image: str) -> None:
    """Remove what was killed at work may have left; the next one for the image would."""
    for left in client.api.containers(all=True, filters={"label": f"{IMAGE_NAME}={image}"}):
        client.api.remove_container(left["Id"], force=True, v=True)
