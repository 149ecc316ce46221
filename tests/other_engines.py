"""Engines beside the one of the suite, each in network and mount namespaces of its own.

Two engines in one network flush each other's rules. From here only their sockets are seen: what
they build has no network.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.polling import until

START_SECONDS = 60
# The namespace of processes ends with its first: nothing of an engine is left.
_APART = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc")
# The engine's own files are the root: its programs are of another release than this host's.
_CURRENT = """
mount --make-rprivate /
ip link set lo up
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --bind "$2" share
pivot_root . mnt
exec /usr/sbin/dockerd --host=unix:///share/engine.sock --data-root=/share/data \
    --exec-root=/run/docker --pidfile=/run/docker.pid
"""
_PODMAN = """
mount --make-rprivate /
mount -t proc proc /proc
ip link set lo up
exec podman --root="$1/data" --runroot="$1/run" --storage-driver=overlay \
    system service --time=0 "unix://$1/engine.sock"
"""
# A host that limits itself gives less than Podman asks for.
_PODMAN_CONF = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'


def current_root() -> Path:
    """Return the root of the newest engine that Debian has, which ``nox -s e2e`` unpacks."""
    root = os.environ.get("OS2_TEST_ENGINE")
    if not root:
        pytest.fail("OS2_TEST_ENGINE names no engine; run the suite with: nox -s e2e")
    return Path(root)


@contextmanager
def current_engine() -> Iterator[str]:
    """Run Debian's newest Docker Engine; yields its address."""
    with _running(lambda folder: (_CURRENT, str(current_root()), str(folder))) as address:
        yield address


@contextmanager
def podman() -> Iterator[str]:
    """Run Podman's Docker-compatible service; yields its address."""
    with _running(lambda folder: (_PODMAN, str(folder))) as address:
        yield address


def podman_client(address: str) -> Sequence[str]:
    """Return Podman's own client of a running service: without one it would build out here."""
    return ("podman", "--remote", f"--url={address}")


@contextmanager
def _running(script: Callable[[Path], tuple[str, ...]]) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="os2-test-engine-"))
    (folder / "containers.conf").write_text(_PODMAN_CONF)
    env = {"PATH": os.environ["PATH"], "CONTAINERS_CONF": str(folder / "containers.conf")}
    program, *arguments = script(folder)
    try:
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                [*_APART, program, "sh", *arguments], stdout=log, stderr=subprocess.STDOUT, env=env
            ) as process,
        ):
            try:
                _wait(folder / "engine.sock", process, folder / "log")
                yield f"unix://{folder}/engine.sock"
            finally:
                process.send_signal(signal.SIGKILL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(path: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    def answers() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except OSError:
                return False
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return probe.recv(64).partition(b" ")[2].startswith(b"200")

    until(answers, START_SECONDS)
