"""What other parts add to the page: routes, a word in the head of each page, larger bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import BaseRoute


@dataclass(frozen=True)
class Extension:
    """One part. All of its routes, WebSockets too, are behind the checks of ``guard``.

    ``metas`` are ``<meta name=… content=JSON>`` of every page, asked for each time; None leaves one
    out. ``scripts`` are addresses of modules on this server. ``body_limits`` maps the beginning of
    a path to the bytes that a request there may have.
    """

    routes: Sequence[BaseRoute] = ()
    metas: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    scripts: Sequence[str] = ()
    body_limits: Mapping[str, int] = field(default_factory=dict)
