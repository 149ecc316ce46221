"""The builders of engines, each with the client that judges what os2 builds with it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.command import Result
from tests.engine import engine_endpoint
from tests.other_engines import current_engine, current_root, podman, podman_client

BUILD_SECONDS = 120


@dataclass
class Builder:
    """An engine's builder.

    ``address`` is where os2 finds it, ``client`` the command of its own client, and ``engine``
    where images are looked at.
    """

    name: str
    address: str
    client: Sequence[str]
    env: Mapping[str, str]
    engine: docker.APIClient

    def build(self, folder: Path, tag: str, options: Sequence[str]) -> Result:
        """Build with the client; the image is the caller's to remove."""
        # As os2 asks for it: else each step that fails leaves a container.
        removing = ["--force-rm"] if self.name == "classic" else []
        done = subprocess.run(
            [*self.client, "build", *removing, "--tag", tag, *options, "."],
            cwd=folder,
            env={"PATH": os.environ["PATH"], **self.env},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
        )
        return Result(done.returncode, done.stdout, done.stderr)


@contextmanager
def builder(name: str, home: Path) -> Iterator[Builder]:
    """Run a builder, with its client's files in ``home``."""
    with _BUILDERS[name]() as address:
        own = engine_endpoint().url if name == "classic" else address
        engine = docker.APIClient(base_url=own, version="auto", timeout=BUILD_SECONDS)
        client, env = _docker_client(own, home, name)
        if name == "podman":
            # The format that its service builds too: the other one knows no SHELL.
            client, env = podman_client(address), {"HOME": str(home), "BUILDAH_FORMAT": "docker"}
        with closing(engine):
            yield Builder(name, address, client, env, engine)


def _docker_client(address: str, home: Path, name: str) -> tuple[Sequence[str], dict[str, str]]:
    """Return the newest client: it judges every engine, and the older builder where asked to."""
    programs = current_root() / "usr"
    plugins = {"cliPluginsExtraDirs": [str(programs / "libexec/docker/cli-plugins")]}
    (home / "config.json").write_text(json.dumps(plugins))
    env = {
        "DOCKER_CONFIG": str(home),
        "DOCKER_HOST": address,
        "DOCKER_BUILDKIT": "0" if name == "classic" else "1",
    }
    return (str(programs / "bin/docker"),), env


@contextmanager
def _own_engine() -> Iterator[str]:
    yield engine_endpoint().url


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
        if b"upgrade" not in request.lower():
            # So that each request is the first of its connection.
            request = request.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"
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


_BUILDERS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "buildkit": _own_engine,
    "classic": engine_without_buildkit,
    "current": current_engine,
    "podman": podman,
}
