"""A followed log, for a browser that gets lines of any length and number."""

from __future__ import annotations

import json
from collections.abc import Iterator

import anyio

from os2cli.ui.jobs.log_events import MAX_BATCH, MAX_WAITING, log_events
from os2cli.ui.jobs.record import MAX_LINE_LENGTH

LINES = 3 * MAX_WAITING


def lines() -> Iterator[str]:
    """A line of 100 MB, and more lines than a browser is sent at once."""
    yield "x\x07" * 50_000_000
    for number in range(LINES):
        yield f"line {number}"


def events() -> list[str]:
    async def collect() -> list[str]:
        return [text async for text in log_events(lines, lambda: False)]

    return anyio.run(collect)


def test_what_a_browser_gets_at_once_is_bounded() -> None:
    texts = events()

    assert max(map(len, texts)) < 2 * MAX_BATCH * MAX_LINE_LENGTH
    batches = [
        json.loads(text.partition("data: ")[2]) for text in texts if text.startswith("event: lines")
    ]
    assert max(map(len, batches)) <= MAX_BATCH
    shown = [line for batch in batches for line in batch]
    assert max(map(len, shown)) <= MAX_LINE_LENGTH
    # The oldest may be dropped, the last never.
    assert shown[-1] == f"line {LINES - 1}"
    assert texts[-1].startswith("event: end")
