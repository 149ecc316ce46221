"""What other parts add to the web UI: routes, page heads, larger request bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import BaseRoute


@dataclass(frozen=True)
class PageHead:
    """What an extension adds to the head of a page.

    ``metas`` become ``<meta name=… content=JSON>``; ``scripts`` are paths of modules on this
    server; ``sources`` are allowed by the Content-Security-Policy, by directive.
    """

    metas: Mapping[str, Any] = field(default_factory=dict)
    scripts: Sequence[str] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


async def _nothing() -> None:
    """Close nothing."""


@dataclass(frozen=True)
class Extension:
    """An extension; the guard protects all its routes, WebSockets included.

    ``head`` is called for every page. ``body_limits`` maps a path prefix to the maximum bytes of a
    request body. ``close`` is called when the server ends.
    """

    routes: Sequence[BaseRoute] = ()
    head: Callable[[], PageHead] = PageHead
    body_limits: Mapping[str, int] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]] = _nothing
