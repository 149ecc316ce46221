"""What other parts add to the page: routes, words in the head of each page, larger bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import BaseRoute


@dataclass(frozen=True)
class PageHead:
    """What a part puts into the head of a page.

    ``metas`` become ``<meta name=… content=JSON>``; ``scripts`` are addresses of modules on this
    server; ``sources`` are what the page may use for them, by directive of its policy.
    """

    metas: Mapping[str, Any] = field(default_factory=dict)
    scripts: Sequence[str] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


async def _nothing() -> None:
    """Of a part that holds nothing open."""


@dataclass(frozen=True)
class Extension:
    """One part. All of its routes, WebSockets too, are behind the checks of ``guard``.

    ``head`` is asked for every page. ``body_limits`` maps the beginning of a path to the bytes that
    a request there may have. ``close`` is called when the server ends.
    """

    routes: Sequence[BaseRoute] = ()
    head: Callable[[], PageHead] = PageHead
    body_limits: Mapping[str, int] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] = _nothing
