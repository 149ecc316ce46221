"""Run all trials and write the table of docs/reliability.md: `python -m tests.faults [WORD…]`.

With words only the commands whose titles have one of them are tried, and the table stays as it is.
`--engine` adds the real engine; OS2_TEST_IMAGE names the image.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from os2cli import __version__
from tests.faults.campaign import all_trials, run
from tests.faults.commands import DAYTONA, ENGINE, ENGINE_API, Command
from tests.faults.trial import Report

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
_TABLE = re.compile(r"(?s)(<!-- last run -->\n).*(<!-- end of last run -->)")


def main(arguments: list[str]) -> int:
    """Run; return the exit code."""
    words = [word for word in arguments if not word.startswith("-")]
    commands: tuple[Command, ...] = DAYTONA + ENGINE_API
    if "--engine" in arguments:
        commands += ENGINE
    if words:
        commands = tuple(c for c in commands if any(word in c.title for word in words))
    began = time.monotonic()
    trials = all_trials(commands)
    print(f"{len(trials)} trials of {len(commands)} commands", flush=True)
    reports: list[Report] = []
    for report in run(trials):
        reports.append(report)
        if len(reports) % 200 == 0:
            minutes = (time.monotonic() - began) / 60
            print(f"{len(reports)} tried in {minutes:.0f} min", flush=True)
        if report.broken:
            print(f"{report.trial}: {'; '.join(report.broken)}", flush=True)
            print("    " + report.text.strip().replace("\n", "\n    "), flush=True)
    minutes = (time.monotonic() - began) / 60
    table = _table(reports, minutes)
    print(table)
    if not words:
        PAGE.write_text(
            _TABLE.sub(lambda found: f"{found[1]}{table}\n{found[2]}", PAGE.read_text())
        )
    return 1 if any(report.broken for report in reports) else 0


def _table(reports: Iterable[Report], minutes: float) -> str:
    met, held = Counter[str](), Counter[str]()
    for report in reports:
        title = report.trial.command.title
        met[title] += report.met
        held[title] += report.met and not report.broken
    rows = [f"| {title} | {met[title]} | {held[title]} |" for title in met]
    return "\n".join(
        [
            f"os2 {__version__}, {datetime.now(UTC):%Y-%m-%d}, {minutes:.0f} min.",
            "",
            "| command | faults and signals met | promises kept |",
            "| --- | --- | --- |",
            *rows,
            f"| **all** | **{met.total()}** | **{held.total()}** |",
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
