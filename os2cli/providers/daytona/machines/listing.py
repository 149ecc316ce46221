"""The organisation's sandboxes, page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.pages import Pages
from os2cli.providers.daytona.api.retry import DEFAULT, RetryPolicy
from os2cli.providers.daytona.api.wire import SandboxAnswer, SandboxListAnswer, read, read_each

PAGE_SIZE = 200


def list_sandboxes(
    client: DaytonaClient,
    doing: str,
    labels: Mapping[str, str] | None = None,
    policy: RetryPolicy = DEFAULT,
    *,
    name: str | None = None,
) -> Iterator[SandboxAnswer]:
    """Yield the sandboxes that carry ``labels``, also those that os2 did not create.

    ``name`` is how theirs begin; older servers ignore it. The list is 1 to 3 s behind. Items that
    can't be read are left out, unless that is all of a page. The list has one deadline, and one
    without an end is an error.
    """
    pages = Pages(doing)
    query: dict[str, Any] = {"limit": PAGE_SIZE}
    if name:
        query["name"] = name
    if labels:
        query["labels"] = json.dumps(labels)
    request = partial(client.get, "/sandbox", query, doing=doing, policy=policy)
    while True:
        sandboxes, cursor = _page(pages.ask(request), doing)
        pages.add(sandboxes)
        yield from sandboxes
        if not cursor:
            return
        query["cursor"] = cursor


def _page(answer: Any, doing: str) -> tuple[list[SandboxAnswer], str | None]:
    """Return a page's sandboxes and the cursor of the next; older servers answer a bare list."""
    if isinstance(answer, list):
        return read_each(SandboxAnswer, answer, doing)[0], None
    page = read(SandboxListAnswer, answer, doing)
    return read_each(SandboxAnswer, page.items, doing)[0], page.next_cursor
