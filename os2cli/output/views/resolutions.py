"""What ``snapshot resolve --explain`` shows."""

from __future__ import annotations

from os2cli.output import Output
from os2cli.output.humanize import age
from os2cli.snapshots.resolution import Candidate, Resolution


def show_candidates(output: Output, resolution: Resolution) -> None:
    """Every candidate that was looked at, newest first, with the verdict on it."""
    stage = resolution.stage
    output.note(f"stage {stage.name} (from {stage.origin}), names that begin with {stage.prefix}")
    if not resolution.candidates:
        output.note("Daytona knows no snapshot whose name is like that")
        return
    output.table(
        ("SNAPSHOT", "VERDICT", "STATE", "CREATED"),
        [
            (c.snapshot.name, _verdict(c), c.snapshot.state.value, age(c.snapshot.created))
            for c in resolution.candidates
        ],
        dispensable=("STATE", "CREATED"),
    )


def _verdict(candidate: Candidate) -> str:
    reason = candidate.snapshot.reason
    return f"{candidate.verdict.value}: {reason}" if reason else candidate.verdict.value
