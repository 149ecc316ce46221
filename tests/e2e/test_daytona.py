"""From a repository to a healthy machine, on a Daytona that really builds and runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import httpx
import pytest

from os2cli.host.certificates import host_certificates
from os2cli.providers.local_docker.base_image import find_base
from tests.command import Os2
from tests.daytona_server import DaytonaServer, Registry, S3Storage, Timing
from tests.engine import ENTRYPOINT, engine_endpoint, sandbox_image

pytestmark = pytest.mark.engine

CREATE = ("machine", "create", "--type", "daytona", "--json")


@pytest.fixture(scope="module")
def daytona() -> Iterator[DaytonaServer]:
    """Daytona with its builder, its object store, its registry and its runners."""
    timing = Timing(build=0, pull=0, boot=0, create_block=0.3)
    with (
        S3Storage() as storage,
        Registry() as registry,
        DaytonaServer(engine_endpoint().url, storage, registry, timing) as server,
    ):
        yield server
        assert server.violations == []


@pytest.fixture
def cloud(os2: Os2, daytona: DaytonaServer) -> Os2:
    """os2 with a key, in the stage of the test."""
    return replace(
        os2,
        env={**os2.env, "DAYTONA_API_URL": daytona.url, "DAYTONA_API_KEY": daytona.api_key},
    )


@pytest.fixture
def source(repository: Path) -> Path:
    """A repository with links, and a sandbox directory that links to another."""
    (repository / "sandbox").mkdir()
    (repository / "sandbox/Dockerfile").write_text(
        f"FROM {sandbox_image()}\nARG GREETING=hello\n"
        'RUN echo "$GREETING" > /tmp/greeting\n'
        f"COPY --chown=1000:1000 . /src/\nENTRYPOINT {json.dumps(ENTRYPOINT)}\n"
    )
    # The builder would use this one: its text is put at this path.
    (repository / "Dockerfile").write_text("FROM os2-no-such-image\n")
    (repository / "lib").mkdir()
    (repository / "lib/tool").write_text("#!/bin/sh\necho the tool\n")
    (repository / "lib/tool").chmod(0o755)
    (repository / "tool").symlink_to("lib/tool")
    (repository / "library").symlink_to("lib")
    return repository


def inside(engine: docker.APIClient, container: str, command: str) -> str:
    """Return the output of a shell command in a machine."""
    job = engine.exec_create(container, ["sh", "-c", command])["Id"]
    output: bytes = engine.exec_start(job)
    return output.decode()


def health(daytona: DaytonaServer, name: str, url: str) -> httpx.Response:
    """Return the daemon's answer to its owner."""
    token = {"x-daytona-preview-token": daytona.sandbox(name).token}
    return httpx.get(f"{url}/api/health", headers=token)


def test_a_repository_becomes_a_machine_that_answers(
    cloud: Os2, source: Path, daytona: DaytonaServer, engine: docker.APIClient, stage: str
) -> None:
    published = cloud("snapshot", "daytona", "--build-arg", 'GREETING=it\'s "$HOME"')
    assert published.status == 0, published.stderr

    created = cloud(*CREATE, "a", "-e", "COLOUR=deep blue")
    assert created.status == 0, created.stderr

    machine = created.json()
    assert machine["snapshot"] == published.stdout.strip()
    assert health(daytona, f"{stage}--a", machine["url"]).json()["status"] == "ok"
    container = daytona.sandbox_container(f"{stage}--a")
    assert inside(engine, container, "cat /tmp/greeting") == 'it\'s "$HOME"\n'
    assert inside(engine, container, "/src/tool; /src/library/tool") == "the tool\n" * 2
    assert inside(engine, container, "echo $COLOUR $OS2_MACHINE_NAME") == "deep blue a\n"
    assert cloud("machine", "rm", "a", "--type", "daytona").stdout == "removed a\n"
    assert [c for c in engine.containers(all=True, quiet=True) if c["Id"] == container] == []


def test_an_image_built_here_becomes_a_machine_that_answers(
    cloud: Os2, source: Path, daytona: DaytonaServer, engine: docker.APIClient, stage: str
) -> None:
    publish = ("snapshot", "daytona", "--builder", "local", "--json")

    published = cloud(*publish)
    assert published.status == 0, published.stderr
    again = cloud(*publish).json()
    machine = cloud(*CREATE, "a").json()

    assert (published.json()["published"], again["published"]) == (True, False)
    assert again["name"] == published.json()["name"] == machine["snapshot"]
    assert health(daytona, f"{stage}--a", machine["url"]).status_code == 200
    body = json.loads(daytona.seen("POST", "/snapshots")[-1].body)
    assert engine.images(body["imageName"]) == []
    assert not list(Path(cloud.env["HOME"]).rglob(".docker"))
    engine.remove_image(f"os2-snapshot:{stage}", force=True)


def test_the_sandbox_of_os2_itself(
    cloud: Os2, repository: Path, daytona: DaytonaServer, engine: docker.APIClient, stage: str
) -> None:
    base = find_base(
        engine,
        "node:24-bookworm-slim",
        platform=None,
        replaceable=True,
        certificates=host_certificates(),
    )
    assert base is not None, "the image under test was built from a base"

    published = cloud("snapshot", "daytona", "--base-image", base.reference)
    assert published.status == 0, published.stderr
    machine = cloud(*CREATE, "a").json()

    page = httpx.get(
        machine["url"], headers={"x-daytona-preview-token": daytona.sandbox(f"{stage}--a").token}
    )
    assert page.status_code == 200
    assert "<html" in page.text
    container = daytona.sandbox_container(f"{stage}--a")
    assert inside(engine, container, "node --version").startswith("v24.")


def test_a_build_that_fails_says_why(cloud: Os2, source: Path, daytona: DaytonaServer) -> None:
    dockerfile = source / "sandbox/Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "RUN echo no such luck >&2; exit 7\n")

    result = cloud("snapshot", "daytona")

    assert result.status == 1
    assert "no such luck" in result.stderr
    assert "failed to build" in result.stderr
    assert result.stdout == ""


def test_both_providers_are_listed_and_distinguished(
    cloud: Os2, source: Path, daytona: DaytonaServer, stage: str
) -> None:
    daytona.add_snapshot(
        f"{stage}--20260111-193045",
        image=sandbox_image(),
        entrypoint=ENTRYPOINT,
    )
    local, remote = f"{stage}-local", "remote"
    assert cloud("machine", "create", local, "--snapshot", sandbox_image()).status == 0
    assert cloud(*CREATE, remote).status == 0

    listed = cloud("machine", "list", "--stage", stage, "--json").json()
    removed = cloud("machine", "rm", local, remote)

    assert {m["name"]: (m["type"], m["health"]) for m in listed} == {
        local: ("local-docker", "healthy"),
        remote: ("daytona", "healthy"),
    }
    assert removed.stdout == f"removed {local}\nremoved {remote}\n"


def test_a_published_snapshot_is_listed_with_the_images(
    cloud: Os2, source: Path, daytona: DaytonaServer, stage: str
) -> None:
    name = cloud("snapshot", "daytona", "-q").stdout.strip()
    assert cloud(*CREATE, "a").status == 0

    listed = cloud("snapshot", "list", "--json").json()
    log = cloud("snapshot", "logs", name)
    spared = cloud("snapshot", "rm", name)
    pruned = cloud("snapshot", "prune", "--type", "daytona", "--keep", "0", "--yes")
    cloud("machine", "rm", "a", "--type", "daytona")
    removed = cloud("snapshot", "rm", name)

    assert {"local-docker", "daytona"} <= {item["type"] for item in listed}
    (item,) = [item for item in listed if item["name"] == name]
    assert (item["stage"], item["machines"]) == (stage, ["a"])
    assert "RUN echo" in log.stdout
    assert spared.status == 5
    assert (pruned.status, pruned.stdout) == (0, "")
    assert removed.stdout == f"removed {name}\n"


def test_a_snapshot_is_waited_for_deactivated_and_activated(
    cloud: Os2, source: Path, daytona: DaytonaServer
) -> None:
    context = cloud("snapshot", "context", "--type", "daytona", "--json").json()
    name = cloud("snapshot", "daytona", "--no-wait", "--quiet").stdout.strip()

    waited = cloud("snapshot", "wait", name, "--json")
    again = cloud("snapshot", "activate", name)

    assert "lib/tool" in json.dumps(context)
    assert (waited.status, waited.json()["state"]) == (0, "active")
    assert again.status == 0
    assert "is already active" in again.stdout + again.stderr
    key = {"Authorization": f"Bearer {daytona.api_key}"}
    (snapshot,) = (s for s in daytona.snapshots if s.name == name)
    httpx.post(f"{daytona.url}/snapshots/{snapshot.id}/deactivate", headers=key)
    assert cloud("snapshot", "wait", name).status == 5
    assert cloud("snapshot", "activate", name, "--json").json()["state"] == "active"
