"""An engine and programs for the doctor: only what is outside os2 is faked."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from os2cli.doctor.fixes import Host
from os2cli.doctor.fixes.commands import LEFT_RUNNING, Commands
from os2cli.providers.local_docker.engine.address import Endpoint
from tests.progress import RecordedProgress
from tests.serving import HOST, Quiet, serving_forever

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSION = {"Version": "26.1.5", "ApiVersion": "1.45", "Os": "linux", "Arch": "amd64"}
INFO = {
    "OperatingSystem": "Debian GNU/Linux 12",
    "Driver": "overlay2",
    "DockerRootDir": "/",
    "Name": "here",
    "ID": "engine-1",
    "SecurityOptions": ["name=seccomp,profile=builtin"],
}


class Engine(http.server.ThreadingHTTPServer):
    """Answers /version and /info; ``answers`` may be changed while it runs."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        super().__init__((address, 0), _Handler)
        self.answers: dict[str, dict[str, Any]] = {"version": dict(VERSION), "info": dict(INFO)}
        self.endpoint = Endpoint(f"tcp://127.0.0.1:{self.server_port}", "DOCKER_HOST")


class _Handler(Quiet, http.server.BaseHTTPRequestHandler):
    server: Engine

    def do_GET(self) -> None:
        body = json.dumps(self.server.answers[self.path.rpartition("/")[2]]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def start_server() -> Iterator[Callable[[str], Engine]]:
    """Start an engine bound to an address."""
    servers = ExitStack()

    def start(address: str = HOST) -> Engine:
        server = Engine(address)
        servers.enter_context(serving_forever(server))
        return server

    with servers:
        yield start


@pytest.fixture
def engine(start_server: Callable[[str], Engine]) -> Engine:
    return start_server(HOST)


class Programs:
    """Executables in their own directory; each records its calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder.parent / "calls"
        folder.mkdir()
        for name in ("sh", "cat", "ln", "sleep"):
            (folder / name).symlink_to(str(shutil.which(name)))

    def add(self, name: str, script: str = "") -> None:
        """Add a shell script that records ``$0`` and its arguments first."""
        path = self.folder / name
        shell = shutil.which("sh")
        path.write_text(f'#!{shell}\necho "{name} $*" >> "{self.record}"\n{script}\n')
        path.chmod(0o755)

    def add_python(self, name: str, script: str) -> None:
        program = self.folder / f"{name}.py"
        program.write_text(script)
        # A `#!` line cannot name an interpreter whose path has spaces.
        path = self.folder / name
        path.write_text(f'#!{shutil.which("sh")}\nexec "{sys.executable}" "{program}" "$@"\n')
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self.record.read_text().splitlines() if self.record.exists() else []


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a directory with a short name: a socket's path may have 107 bytes."""
    path = Path(tempfile.mkdtemp(prefix="os2-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def programs(folder: Path) -> Programs:
    return Programs(folder / "bin")


@pytest.fixture
def host(folder: Path, programs: Programs) -> Host:
    """Return a Linux host with root and without systemd; its files are below ``folder``."""
    root = folder / "root"
    for name in ("usr/sbin", "var/run", "var/log", "etc", "sys/fs/cgroup", "proc"):
        (root / name).mkdir(parents=True)
    (root / "sys/fs/cgroup/cgroup.controllers").touch()
    commands = Commands({"PATH": str(programs.folder)})
    return Host(root, folder / "home", "linux", is_root=True, commands=commands)


@pytest.fixture
def progress() -> RecordedProgress:
    return RecordedProgress()


DOCKERD = """
import http.server, json, os, socketserver, sys, threading
with open({record!r}, "a") as file:
    file.write(" ".join(["dockerd", *sys.argv[1:]]) + "\\n")
with open({pids!r}, "a") as file:
    file.write(str(os.getpid()) + "\\n")
{before}
urls = list(sys.argv)
if os.path.exists({settings!r}):
    urls += json.load(open({settings!r})).get("hosts", [])
path = next(word for word in urls if word.startswith("unix://")).removeprefix("unix://")
if os.path.exists(path):
    os.unlink(path)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        answer = {version!r} if self.path.endswith("version") else {info!r}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

for url in urls:
    if url.startswith("tcp://"):
        host, _, port = url.removeprefix("tcp://").partition(":")
        server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
socketserver.ThreadingUnixStreamServer(path, Handler).serve_forever()
"""


@pytest.fixture
def add_dockerd(programs: Programs, folder: Path) -> Iterator[Callable[[str], None]]:
    """Put a dockerd on the PATH that serves its socket after running ``before`` (Python)."""
    pids = folder / "pids"

    def add(before: str = "") -> None:
        values = {"record": str(programs.record), "pids": str(pids), "before": before}
        values["settings"] = str(folder / "root/etc/docker/daemon.json")
        programs.add_python("dockerd", DOCKERD.format(**values, version=VERSION, info=INFO))

    yield add
    for pid in pids.read_text().split() if pids.exists() else ():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue
    while LEFT_RUNNING:
        LEFT_RUNNING.pop().wait()
