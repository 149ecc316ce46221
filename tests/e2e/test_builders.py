"""Both builders of an engine build the same image, and os2 uses the one that works."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
import pytest

from tests.command import Os2
from tests.engine import engine_endpoint, sandbox_image

pytestmark = pytest.mark.engine


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass everything on until the other side is done."""
    with suppress(ConnectionError, asyncio.CancelledError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextmanager
def engine_without_buildkit() -> Iterator[str]:
    """The engine behind a proxy that identifies it as Podman, which has no BuildKit."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        endpoint = engine_endpoint()
        if endpoint.socket:
            engine, to_engine = await asyncio.open_unix_connection(str(endpoint.socket))
        else:
            host, port = endpoint.url.removeprefix("tcp://").split(":")
            engine, to_engine = await asyncio.open_connection(host, int(port))
        request = await reader.readuntil(b"\r\n\r\n")
        to_engine.write(request)
        if request.startswith(b"GET /_ping"):
            answer = await engine.readuntil(b"\r\n\r\n")
            writer.write(answer.removesuffix(b"\r\n") + b"Libpod-API-Version: 4.3.1\r\n\r\n")
        await asyncio.gather(forward(reader, to_engine), forward(engine, writer))

    async def serve() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        address.append(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        ready.set()
        async with server:
            await stop.wait()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()

    address: list[str] = []
    ready, stop, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@pytest.fixture
def source(repository: Path) -> Path:
    """A Dockerfile with a step that writes."""
    (repository / "sandbox").mkdir()
    (repository / "sandbox" / "Dockerfile").write_text(
        f"ARG BASE_IMAGE={sandbox_image()}\n"
        "FROM ${BASE_IMAGE}\n"
        "RUN echo said by the step && echo content > /tmp/made\n"
        "COPY . /src/\n"
    )
    return repository


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_each_builder_shows_its_steps_and_builds_the_image(
    os2: Os2, source: Path, image_tag: str, engine: docker.APIClient, builder: str
) -> None:
    command = ("snapshot", "local-docker", "--tag", image_tag, "-v", "--no-cache")
    if builder == "classic":
        with engine_without_buildkit() as address:
            result = os2(*command, "--docker-host", address)
    else:
        result = os2(*command)

    assert result.status == 0, result.stderr
    assert result.stdout.startswith(f"built {image_tag} in ")
    assert "said by the step" in result.stderr
    steps = "Step 1/" if builder == "classic" else "[2/3] RUN"
    assert steps in result.stderr
    container = engine.create_container(image_tag)["Id"]
    try:
        engine.get_archive(container, "/tmp/made")
    finally:
        engine.remove_container(container)


def test_the_key_does_not_depend_on_the_builder(os2: Os2, source: Path, image_tag: str) -> None:
    first = os2("snapshot", "local-docker", "--tag", image_tag, "--json").json()
    with engine_without_buildkit() as address:
        second = os2(
            "snapshot", "local-docker", "--tag", image_tag, "--json", "--docker-host", address
        ).json()

    assert (second["built"], second["key"]) == (False, first["key"])
