"""A container of the sandbox image, and ways to inspect it."""

from __future__ import annotations

import io
import socket
import ssl
import tarfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import docker
import httpx

from tests.polling import until

LABELS = {"os2-test": "1"}
REPOSITORY = "/home/node/repo"
MOUNT = "/mnt/repo"
DEADLINE_SECONDS = 30.0

T = TypeVar("T")


def plain_client() -> httpx.Client:
    """Return a client for plain HTTP; an empty TLS context saves loading every CA certificate."""
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.Client(trust_env=False, timeout=10, verify=nobody)


@dataclass(frozen=True)
class Stopped:
    """How a container ended."""

    seconds: float
    code: int


@dataclass
class Sandbox:
    """One container with port 3000 on a free port of this host's loopback."""

    engine: docker.APIClient
    image: str
    environment: Mapping[str, str] = field(default_factory=dict)
    mount: Path | None = None
    command: Sequence[str] | None = None
    name: str = field(default_factory=lambda: f"sbxt-{uuid.uuid4().hex[:12]}")
    container: str = ""
    port: int = 0
    http: httpx.Client = field(default_factory=plain_client)

    def start(self) -> Self:
        """Start it, or restart it if it was stopped."""
        while not self.container:
            self._create()
        self.engine.start(self.container)
        return self

    def _create(self) -> None:
        self.port = free_port()
        binds = [f"{self.mount}:{MOUNT}:ro"] if self.mount else None
        container = self.engine.create_container(
            self.image,
            name=self.name,
            entrypoint=list(self.command) if self.command else None,
            environment=dict(self.environment),
            labels=LABELS,
            ports=[3000],
            host_config=self.engine.create_host_config(
                port_bindings={3000: ("127.0.0.1", self.port)}, binds=binds
            ),
        )["Id"]
        try:
            self.engine.start(container)
        except docker.errors.APIError as error:
            self.engine.remove_container(container, force=True, v=True)
            # Another process took the port in the meantime.
            if "port is already allocated" not in str(error):
                raise
        else:
            self.container = container

    def wait_until_started(self) -> Self:
        """Wait until the image's own program runs.

        The engine reports the start of a container a moment before, and until then nothing in an
        image handles signals.
        """
        eventually(self._has_begun, "the image's program runs")
        return self

    def _has_begun(self) -> bool:
        processes = self.engine.top(self.container)["Processes"]
        return any("start-machine" in process[-1] for process in processes)

    def wait_until_healthy(self) -> Self:
        """Wait until the daemon answers on the host's port."""
        eventually(self._is_healthy, "the daemon answers")
        return self

    def _is_healthy(self) -> bool:
        assert self.state()["Running"], f"the container has ended:\n{self.logs()}"
        try:
            return self.get("/api/health").status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self, *services: str) -> Self:
        """Wait until these services are ready."""
        folders = [f"/run/os2/services/{service}" for service in services]
        self.output("s6-svwait", "-U", "-t", "20000", *folders)
        return self

    def wait_until_ended(self) -> int:
        """Wait for the container to end by itself; return its exit code."""
        eventually(lambda: self.state()["Status"] == "exited", "the container ends")
        return int(self.state()["ExitCode"])

    def exec(self, argv: Sequence[str], user: str | None = None) -> tuple[int, str]:
        """Run a program in the guest; return its exit code, stdout and stderr."""
        created = self.engine.exec_create(self.container, list(argv), user=user or "")
        written = self.engine.exec_start(created["Id"])
        code = self.engine.exec_inspect(created["Id"])["ExitCode"]
        return code, written.decode(errors="replace")

    def output(self, *argv: str) -> str:
        """Return the output of a program that must succeed, without the last newline."""
        code, text = self.exec(argv)
        assert code == 0, f"{argv} ended with {code}: {text}"
        return text.rstrip("\n")

    def shell(self, script: str) -> str:
        """Return the output of a shell script that must succeed."""
        return self.output("sh", "-euc", script)

    def succeeds(self, *argv: str) -> bool:
        """Return whether a program exits with 0."""
        return self.exec(argv)[0] == 0

    def read(self, path: str) -> str:
        """Return a file of the container, which may have ended."""
        chunks, _ = self.engine.get_archive(self.container, path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            content = archive.extractfile(archive.getmembers()[0])
            assert content is not None, f"{path} is no file"
            return content.read().decode()

    def has(self, path: str) -> bool:
        """Return whether a file, link or directory exists; the container may have ended."""
        try:
            chunks, _ = self.engine.get_archive(self.container, path)
            for _ in chunks:
                pass
        except docker.errors.NotFound:
            return False
        return True

    def write(self, path: str, content: str) -> None:
        """Write a file as the machine's user."""
        self.output("sh", "-euc", 'printf %s "$2" > "$1"', "sh", path, content)

    def put(self, folder: str, files: Mapping[str, str]) -> None:
        """Unpack files of the machine's user into an existing directory."""
        self.engine.put_archive(self.container, folder, archive(files))

    def get(self, path: str) -> httpx.Response:
        """Send a GET to the daemon through the host's port."""
        return self.request("GET", path)

    def request(self, method: str, path: str) -> httpx.Response:
        """Send a request to the daemon through the host's port."""
        return self.http.request(method, f"http://127.0.0.1:{self.port}{path}")

    def json(self, path: str) -> Any:
        """Return the JSON of a path of the API."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def logs(self, *, timestamps: bool = False) -> str:
        """Return the output of the container over all of its starts."""
        return str(self.engine.logs(self.container, timestamps=timestamps).decode())

    def complaints(self) -> list[str]:
        """Return the lines on stderr; the engine does not keep their order relative to stdout."""
        written = self.engine.logs(self.container, stdout=False)
        return str(written.decode()).splitlines()

    def lines(self, start: str) -> list[str]:
        """Return the lines of the container's log that start like this."""
        return [line for line in self.logs().splitlines() if line.startswith(start)]

    def pid(self, service: str) -> int:
        """Return the PID of a service.

        Retried without output: an engine under load loses what a short program wrote.
        """
        argv = ("s6-svstat", "-o", "pid", f"/run/os2/services/{service}")
        return int(until(lambda: self.output(*argv)))

    def state(self) -> dict[str, Any]:
        """Return the engine's state of the container."""
        return dict(self.inspect()["State"])

    def inspect(self) -> dict[str, Any]:
        """Return the engine's description of the container."""
        return dict(self.engine.inspect_container(self.container))

    def stop(self) -> Stopped:
        """Do what `docker stop` does."""
        begun = time.monotonic()
        self.engine.stop(self.container, timeout=10)
        return Stopped(time.monotonic() - begun, self.state()["ExitCode"])

    def restart(self) -> Self:
        """Stop it and start it again."""
        self.stop()
        return self.start()

    def remove(self) -> None:
        """Remove it, even if it runs."""
        self.http.close()
        if self.container:
            self.engine.remove_container(self.container, force=True, v=True)


def free_port() -> int:
    """Return a free loopback port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def eventually(question: Callable[[], T], wanted: str, seconds: float = DEADLINE_SECONDS) -> T:
    """Poll until the answer is true and return it; fail after a deadline."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := question():
            return answer
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {wanted}"
        time.sleep(0.05)


def archive(files: Mapping[str, str]) -> bytes:
    """Return a tar of the user's text files; those that start with ``#!`` are programs."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, text in files.items():
            data = text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o755 if text.startswith("#!") else 0o644
            info.uid = info.gid = 1000
            tar.addfile(info, io.BytesIO(data))
    return content.getvalue()


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files on this host, readable for all: the machine's user has another uid."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)
        for parent in path.relative_to(folder).parents:
            (folder / parent).chmod(0o755)
