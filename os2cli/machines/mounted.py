"""What a machine with a copy of a working tree kept when it started."""

from __future__ import annotations

import re
from contextlib import suppress

from os2cli.core.errors import Os2Error
from os2cli.core.models import Machine
from os2cli.core.plain_text import plain_line
from os2cli.core.progress import Progress
from os2cli.machines.provider import MachineProvider

# Of `sandbox/entry/repository.ts`.
_STEP = "entry: repository: "
_SYNCED = re.compile(r"synced [^;]*; ")
_TOOK = re.compile(r" \([\d.]{1,12} s\)$")
# The step is one of the first lines after a start.
_LINES = 500


def report_kept(provider: MachineProvider, machine: Machine, progress: Progress) -> None:
    """Warn of the host's changes that the machine did not take, as its log names them."""
    if not machine.has_mount:
        return
    with suppress(Os2Error):
        lines = [each for each in provider.log_tail(machine.name, _LINES) if _STEP in each]
        text = _TOOK.sub("", lines[-1].partition(_STEP)[2]) if lines else ""
        if found := _SYNCED.match(text):
            text = text[found.end() :]
        elif not text.startswith("kept the files"):
            return
        progress.warn(f"machine {machine.name}: {plain_line(text)}")
