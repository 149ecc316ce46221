"""What the handlers of requests work with."""

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
from os2cli.ui.guard.policy import ContentPolicy
from os2cli.ui.inventory_poller import InventoryPoller
from os2cli.ui.jobs.job import Jobs
from os2cli.ui.page_context import PageContext
from os2cli.ui.rendering import Pages

RUNNING_HEADER = "X-Os2-Running"
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Site:
    """The one server of a process; ``request.app.state.site``."""

    context: PageContext
    fleet: FleetPoller
    inventory: InventoryPoller
    jobs: Jobs
    pages: Pages

    def invalidate(self) -> None:
        """Something was done: nothing that was known before is shown as it was."""
        self.fleet.invalidate()
        self.inventory.invalidate()

    async def show(
        self,
        request: Request,
        template: str,
        /,
        *,
        status: int = 200,
        policy: ContentPolicy | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """A whole page, in the frame that all pages have."""
        stage = await threaded(self._stage)
        return self.pages.show(
            template,
            status=status,
            policy=policy,
            path=request.url.path,
            stage=stage,
            running=len(self.jobs.running()),
            **values,
        )

    def part(self, template: str, /, **values: Any) -> HTMLResponse:
        """What changes of a page that is shown; its frame learns how many jobs run."""
        headers = {RUNNING_HEADER: str(len(self.jobs.running()))}
        return HTMLResponse(self.pages.fragment(template, **values), headers=headers)

    def _stage(self) -> str | None:
        # A setting that is wrong is told where something needs it: the frame is there all the same.
        try:
            return self.context.stage_of(self.context.session())
        except Os2Error:
            return None


def site_of(connection: HTTPConnection) -> Site:
    """The server that a request or a WebSocket came to."""
    found: Site = connection.app.state.site
    return found


async def threaded(do: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Do in a thread what waits: the use cases know no coroutines."""
    return await run_in_threadpool(partial(do, *args, **kwargs))


def wants_json(request: Request) -> bool:
    """Whether a script of ours asked, and not a form."""
    return "application/json" in request.headers.get("accept", "")
