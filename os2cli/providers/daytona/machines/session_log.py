"""The log of a command of a session, the entrypoint's included, in each of its forms."""

from __future__ import annotations

import re

import httpx

from os2cli.providers.daytona.api.errors import is_json
from os2cli.providers.daytona.machines.toolbox import REQUEST_SECONDS, Toolbox, json_object

# Before each line, for stdout and stderr.
MARKS = re.compile(rb"\x01{3}|\x02{3}")


def session_log(
    toolbox: Toolbox,
    path: str,
    doing: str,
    *,
    seconds: float = REQUEST_SECONDS,
    retry: bool = True,
) -> str:
    """Return a log so far, without marks and secrets."""
    answer = toolbox.request("GET", path, doing, retry=retry, timeout=seconds)
    text = MARKS.sub(b"", _text(answer, doing).encode()).decode()
    return toolbox.client.redact(text)


def _text(answer: httpx.Response, doing: str) -> str:
    """Return the text of a log: JSON with both streams, or text with their marks."""
    if not is_json(answer):
        return answer.text
    data = json_object(answer, doing)
    return str(data.get("output") or f"{data.get('stdout') or ''}{data.get('stderr') or ''}")
