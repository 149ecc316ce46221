"""What request handlers work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse

from os2cli.core.errors import Os2Error
from os2cli.ui.fleet_poller import FleetPoller
from os2cli.ui.inventory_poller import InventoryPoller
from os2cli.ui.jobs.job import Jobs
from os2cli.ui.page_context import PageContext
from os2cli.ui.rendering import Pages

RUNNING_HEADER = "X-Os2-Running"
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Site:
    """The state of the server, ``request.app.state.site``."""

    context: PageContext
    fleet: FleetPoller
    inventory: InventoryPoller
    jobs: Jobs
    pages: Pages

    @property
    def base(self) -> str:
        """The path below which all pages are."""
        return self.pages.base

    def invalidate(self) -> None:
        """Mark machines and inventory as outdated, after a change."""
        self.fleet.invalidate()
        self.inventory.invalidate()

    async def show(
        self,
        request: Request,
        template: str,
        /,
        *,
        status: int = 200,
        **values: Any,
    ) -> HTMLResponse:
        """Render a page in the frame of all pages."""
        stage = await threaded(self._stage)
        return self.pages.show(
            template,
            status=status,
            path=request.url.path.removeprefix(self.base),
            stage=stage,
            running=len(self.jobs.running()),
            **values,
        )

    def part(self, template: str, /, **values: Any) -> HTMLResponse:
        """Render the part of a page that changes, with the number of running jobs as a header."""
        headers = {RUNNING_HEADER: str(len(self.jobs.running()))}
        return HTMLResponse(self.pages.fragment(template, **values), headers=headers)

    def _stage(self) -> str | None:
        # An invalid setting is reported where it is needed; the frame must render without it.
        try:
            return self.context.stage_of(self.context.session())
        except Os2Error:
            return None


def site_of(connection: HTTPConnection) -> Site:
    """Return the site that a request or a WebSocket belongs to."""
    site: Site = connection.app.state.site
    return site


async def threaded(do: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run blocking code in a thread: the use cases have no coroutines."""
    return await run_in_threadpool(partial(do, *args, **kwargs))


def wants_json(request: Request) -> bool:
    """Return whether a script of the page asks, not a plain form."""
    return "application/json" in request.headers.get("accept", "")
