"""The application: every page, and the guard before all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from os2cli.core.errors import Os2Error
from os2cli.ui.extensions import Extension
from os2cli.ui.fleet_poller import FleetPoller
from os2cli.ui.guard.guard import Credentials, Guard
from os2cli.ui.guard.plain_responses import TooLarge
from os2cli.ui.inventory_poller import InventoryPoller
from os2cli.ui.jobs.job import Jobs
from os2cli.ui.page_context import PageContext
from os2cli.ui.pages import builds, create, doctor, jobs, machine, machine_list, snapshots
from os2cli.ui.pages.failures import on_failure, on_http_error, on_too_large
from os2cli.ui.rendering import make_pages
from os2cli.ui.site import Site

STATIC = Path(__file__).parent / "static"


def make_site(context: PageContext, extensions: Sequence[Extension]) -> Site:
    """What the pages work with."""
    return Site(
        context,
        FleetPoller(context),
        InventoryPoller(context),
        Jobs(),
        make_pages(extensions),
    )


def make_app(site: Site, credentials: Credentials) -> ASGIApp:
    """The whole application; the routes of extensions come before ours."""
    extensions = site.pages.extensions
    routes: list[BaseRoute] = [route for e in extensions for route in e.routes]
    routes += OWN_ROUTES
    app = Starlette(
        routes=routes,
        exception_handlers={
            Os2Error: on_failure,
            HTTPException: on_http_error,
            TooLarge: on_too_large,
        },
        lifespan=partial(lifespan, extensions),
    )
    # What is called otherwise is not there; nothing is guessed.
    app.router.redirect_slashes = False
    app.state.site = site
    limits = {start: size for e in extensions for start, size in e.body_limits.items()}
    return Guard(app, credentials, limits)


@asynccontextmanager
async def lifespan(extensions: Sequence[Extension], app: Starlette) -> AsyncIterator[None]:
    """Let the parts close what they hold open, when the server ends."""
    del app
    yield
    for extension in extensions:
        await extension.close()


async def home(request: Request) -> Response:
    """The machines are what people come for."""
    del request
    return RedirectResponse("/machines", 303)


OWN_ROUTES: Sequence[BaseRoute] = (
    Route("/", home),
    # Before those of one machine: a machine's page is two names deep.
    *create.ROUTES,
    *machine_list.ROUTES,
    *machine.ROUTES,
    *jobs.ROUTES,
    *builds.ROUTES,
    *snapshots.ROUTES,
    *doctor.ROUTES,
    Mount("/static", StaticFiles(directory=STATIC)),
)
