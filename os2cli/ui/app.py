"""The application: all pages, behind the guard."""

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
from os2cli.ui.guard.bodies import TooLarge, TooSlow
from os2cli.ui.guard.credentials import Credentials
from os2cli.ui.guard.guard import Guard
from os2cli.ui.inventory_poller import InventoryPoller
from os2cli.ui.jobs.job import Jobs
from os2cli.ui.page_context import PageContext
from os2cli.ui.pages import builds, create, doctor, jobs, machine, machine_list, snapshots
from os2cli.ui.pages.failures import on_body, on_failure, on_http_error
from os2cli.ui.rendering import make_pages
from os2cli.ui.site import Site, site_of

STATIC = Path(__file__).parent / "static"


def make_site(context: PageContext, extensions: Sequence[Extension], home: str) -> Site:
    """Create what request handlers work with, for pages below the URL ``home``."""
    pages = make_pages(extensions, home)
    return Site(
        context,
        FleetPoller(context),
        InventoryPoller(context),
        Jobs(pages.base),
        pages,
    )


def make_app(site: Site, credentials: Credentials) -> ASGIApp:
    """Create the application; the routes of extensions come before ours."""
    extensions = site.pages.extensions
    routes: list[BaseRoute] = [route for e in extensions for route in e.routes]
    routes += OWN_ROUTES
    app = Starlette(
        routes=routes,
        exception_handlers={
            Os2Error: on_failure,
            HTTPException: on_http_error,
            TooLarge: on_body,
            TooSlow: on_body,
        },
        lifespan=partial(lifespan, extensions),
    )
    # Paths match exactly, or not at all.
    app.router.redirect_slashes = False
    app.state.site = site
    limits = {start: size for e in extensions for start, size in e.body_limits.items()}
    return Guard(app, credentials, limits)


@asynccontextmanager
async def lifespan(extensions: Sequence[Extension], app: Starlette) -> AsyncIterator[None]:
    """Close the extensions when the server ends."""
    del app
    yield
    for extension in extensions:
        await extension.close()


async def home(request: Request) -> Response:
    """Redirect to the list of machines."""
    return RedirectResponse(f"{site_of(request).base}/machines", 303)


OWN_ROUTES: Sequence[BaseRoute] = (
    Route("/", home),
    # Before a machine's own routes, which match any two names.
    *create.ROUTES,
    *machine_list.ROUTES,
    *machine.ROUTES,
    *jobs.ROUTES,
    *builds.ROUTES,
    *snapshots.ROUTES,
    *doctor.ROUTES,
    Mount("/static", StaticFiles(directory=STATIC)),
)
