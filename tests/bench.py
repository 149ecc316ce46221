"""`nox -s bench`: what os2 costs beside a peer in the same run, as ratios.

Each pair runs alternately, so that both meet the same noise; the ratio is of the medians of CPU
time (user and system, children included), which a busy machine disturbs less than the clock.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence

ROUNDS = 11
OS2 = (sys.executable, "-P", "-m", "os2cli")
PYTHON = (sys.executable, "-P", "-c")

PAIRS: tuple[tuple[str, Sequence[str], str, Sequence[str]], ...] = (
    ("os2 --version", (*OS2, "--version"), "python -c pass", (*PYTHON, "pass")),
    ("os2 stage", (*OS2, "stage", "--stage", "stg"), "import typer", (*PYTHON, "import typer")),
    ("os2 --help", (*OS2, "--help"), "import typer, rich.console",
     (*PYTHON, "import typer, rich.console, rich.panel, rich.table, rich.markdown")),
    ("os2 machine list", (*OS2, "machine", "list"), "import typer, docker, httpx",
     (*PYTHON, "import typer, docker, httpx")),
)  # fmt: skip


def cpu_seconds(command: Sequence[str]) -> float:
    """The CPU time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def compare(ours: Sequence[str], peer: Sequence[str]) -> tuple[float, float]:
    """The median CPU seconds of both, measured in turns."""
    rounds = [(cpu_seconds(ours), cpu_seconds(peer)) for _ in range(ROUNDS)]
    return statistics.median(a for a, _ in rounds), statistics.median(b for _, b in rounds)


def main() -> None:
    """Print one line for each pair."""
    print(f"{'os2':<20}{'CPU ms':>8}   {'peer':<32}{'CPU ms':>8}{'ratio':>8}")
    for name, ours, peer_name, peer in PAIRS:
        mine, theirs = compare(ours, peer)
        print(
            f"{name:<20}{mine * 1000:>8.0f}   {peer_name:<32}{theirs * 1000:>8.0f}"
            f"{mine / theirs:>8.2f}"
        )


if __name__ == "__main__":
    main()
