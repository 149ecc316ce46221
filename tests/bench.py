"""`nox -s bench`: the cost of os2 relative to a peer in the same run.

Each pair runs in turns, so that both meet the same noise. The ratio is of medians: of CPU time for
work in one process, of wall-clock time for work of an engine. The engine's part needs the image
that `os2 snapshot local-docker` builds.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUNDS = 9
FILES = 5000
IMAGE = "iterate-sandbox:local"
OS2 = (sys.executable, "-P", "-m", "os2cli")
PYTHON = (sys.executable, "-P", "-c")

DIGEST = (
    "from pathlib import Path; from os2cli.snapshots.context import collect; "
    "collect(Path('.'), Path('Dockerfile')).digest()"
)
TAR = "git ls-files -z | tar --null -T - --sort=name -cf - | sha256sum"
SDK_BUILD = (
    "import docker; list(docker.APIClient(version='auto')"
    ".build(path='.', tag='os2-bench:peer', rm=True))"
)
# A cache entry for this account, as a resolution leaves it.
SETTINGS = {
    "OS2_NO_INPUT": "1",
    "APP_STAGE": "stg",
    "DAYTONA_API_KEY": "dtn_bench",
    "DAYTONA_API_URL": "http://127.0.0.1:1/api",
}
# A project on a host that does not answer.
TRACKED = ("POSTHOG_KEY=phc_bench", "POSTHOG_HOST=http://127.0.0.1:1")
FILL_CACHE = """
from os2cli.settings.settings import load_settings
from os2cli.snapshots.cache import CachedSnapshot, SnapshotCache
settings = load_settings(None)
cache = SnapshotCache(settings.snapshot_cache_dir, 300)
cache.put(settings.daytona.fingerprint, "stg--", CachedSnapshot("stg--20260111-193045", "id"))
"""
RUN = f"""
id=$(docker run -d -p 127.0.0.1:18999:3000 {IMAGE})
until curl -fsS -o /dev/null http://127.0.0.1:18999/api/health 2>/dev/null; do sleep 0.1; done
docker rm -f $id
"""
MACHINE = f"{' '.join(OS2)} machine"
CREATE = f"{MACHINE} create bench -q && {MACHINE} rm bench -q --type local-docker"
BUILD = (*OS2, "snapshot", "local-docker", "--tag", "os2-bench:ours", "--dockerfile", "Dockerfile")


@dataclass(frozen=True)
class Pair:
    """An operation of os2 and its equivalent without os2."""

    name: str
    ours: Sequence[str]
    peer_name: str
    peer: Sequence[str]
    measure: Callable[[Sequence[str], Path], float]


def cpu_seconds(command: Sequence[str], folder: Path) -> float:
    """Return the CPU time of one run: user and system, with children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(command, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def wall_seconds(command: Sequence[str], folder: Path) -> float:
    """Return the wall-clock time of one run."""
    started = time.perf_counter()
    run(command, folder)
    return time.perf_counter() - started


def run(command: Sequence[str], folder: Path) -> None:
    """Run it; a failure must not be measured."""
    env = {
        **os.environ,
        **SETTINGS,
        "PYTHONPATH": str(ROOT),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)


PAIRS = (
    Pair("os2 --version", (*OS2, "--version"), "python pass", (*PYTHON, "pass"), cpu_seconds),
    Pair("cached resolve", (*OS2, "snapshot", "resolve"), "os2 --version", (*OS2, "--version"),
         cpu_seconds),
    Pair("os2 stage", (*OS2, "stage", "--stage", "stg"), "import typer",
         (*PYTHON, "import typer"), cpu_seconds),
    Pair("os2 stage, tracked", ("env", *TRACKED, *OS2, "stage", "--stage", "stg"), "os2 stage",
         (*OS2, "stage", "--stage", "stg"), cpu_seconds),
    Pair("os2 machine list", (*OS2, "machine", "list", "--type", "local-docker"),
         "import typer, docker, httpx",
         (*PYTHON, "import typer, docker, httpx"), cpu_seconds),
    Pair(f"digest of {FILES} files", (*PYTHON, DIGEST), "git ls-files | tar | sha256sum",
         ("sh", "-c", TAR), wall_seconds),
    Pair("unchanged build", BUILD, "docker SDK, all cached", (*PYTHON, SDK_BUILD), wall_seconds),
    Pair("create, healthy, rm", ("sh", "-c", CREATE), "docker run, curl, rm",
         ("sh", "-c", RUN), wall_seconds),
)  # fmt: skip


def make_tree(folder: Path) -> None:
    """Create a checkout with many small files."""
    for number in range(FILES):
        file = folder / f"d{number % 100:02}" / f"f{number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes([number % 256]) * 3000)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    subprocess.run("git init -q && git add .", shell=True, cwd=folder, check=True)  # noqa: S602


def main() -> None:
    """Print one line for each pair."""
    print(f"{'os2':<24}{'ms':>8}   {'peer':<34}{'ms':>8}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_tree(folder)
        run((*PYTHON, FILL_CACHE), folder)
        for pair in PAIRS:
            pair.measure(pair.ours, folder)
            pair.measure(pair.peer, folder)
            rounds = [
                (pair.measure(pair.ours, folder), pair.measure(pair.peer, folder))
                for _ in range(ROUNDS)
            ]
            ours, peer = (statistics.median(times) for times in zip(*rounds, strict=True))
            print(
                f"{pair.name:<24}{ours * 1000:>8.0f}   {pair.peer_name:<34}{peer * 1000:>8.0f}"
                f"{ours / peer:>8.2f}"
            )
    for tag in ("os2-bench:ours", "os2-bench:peer"):
        subprocess.run(["docker", "rmi", tag], check=False, capture_output=True)


if __name__ == "__main__":
    main()
