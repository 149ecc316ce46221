"""Dockerfiles, and how others read them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from os2cli.providers.daytona.dockerfile import instructions

OURS = (Path(__file__).parents[5] / "sandbox" / "Dockerfile").read_text()


def read(text: str) -> list[tuple[str, str]]:
    return [(found.keyword, found.value) for found in instructions(text)]


def as_daytona_reads(text: str) -> list[str]:
    """Its API's reading, in short: the last match counts, and is one word unless it is JSON."""
    found = re.findall(r"ENTRYPOINT\s+([^\n\r]*)", text)
    try:
        return list(json.loads(found[-1])) if found else ["sleep", "infinity"]
    except ValueError:
        return [re.sub("[\"']", "", found[-1])]
