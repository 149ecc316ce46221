"""Files of a sandbox, through its toolbox."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx

from os2cli.core.errors import NotFound, OperationFailed, Unreachable
from os2cli.host.network.bounded import paced
from os2cli.providers.daytona.api.errors import invalid_answer
from os2cli.providers.daytona.machines.toolbox import Toolbox, foreign

# For one piece of a program's input, over a slow line.
UPLOAD_SECONDS = 300.0
PARTIAL, BEYOND_END = 206, 416
_BYTES = "application/octet-stream"
_RANGE = re.compile(r"bytes (\d{1,18})-")


def upload(toolbox: Toolbox, content: bytes, path: str, doing: str) -> None:
    """Write a file in the sandbox; raises as ``Toolbox.request`` does."""
    toolbox.request(
        "POST",
        "/files/upload",
        doing,
        seconds=UPLOAD_SECONDS,
        params={"path": path},
        files={"file": ("file", content, _BYTES)},
    )


def download(toolbox: Toolbox, path: str, doing: str, start: int = 0) -> Iterator[bytes]:
    """Yield a file from its byte ``start`` on; nothing if it is not longer.

    Raises as ``Toolbox.request`` does, also after a part of it: a later call gets the rest.
    """
    headers = {"Accept-Encoding": "identity", "Range": f"bytes={start}-"}
    try:
        with toolbox.opened(
            "GET",
            "/files/download",
            doing,
            accepts=BEYOND_END,
            headers=headers,
            params={"path": path},
        ) as answer:
            if answer.status_code == BEYOND_END:
                return
            _require_file(answer, doing)
            skipped = start - _first(answer, start, doing)
            for data in paced(answer, answer.iter_raw()):
                yield data[skipped:]
                skipped = max(skipped - len(data), 0)
    except OperationFailed as error:
        if not isinstance(error, NotFound | Unreachable):
            toolbox.require_running()
        raise


def _require_file(answer: httpx.Response, doing: str) -> None:
    """Raise ``Unreachable`` for what comes from something between here and the toolbox.

    An empty answer counts: it would show that a file exists.
    """
    kind = answer.headers.get("content-type", "").partition(";")[0]
    attached = answer.headers.get("content-disposition", "").startswith("attachment")
    if not attached and kind != _BYTES:
        raise foreign(doing, kind, "the file")


def _first(answer: httpx.Response, start: int, doing: str) -> int:
    """Return the number of the first byte: a server that ignores ranges sends all of them."""
    if answer.status_code != PARTIAL:
        return 0
    match = _RANGE.match(answer.headers.get("content-range", f"bytes {start}-"))
    if match is None or int(match[1]) > start:
        raise invalid_answer(doing, "it is another part of the file")
    return int(match[1])
