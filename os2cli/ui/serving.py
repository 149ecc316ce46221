"""Serve the web UI and shut it down in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from os2cli.core.cancellation import Interrupted
from os2cli.core.errors import Os2Error
from os2cli.host.browser import open_secret_page
from os2cli.ui.app import OWN_ROUTES, make_app, make_site
from os2cli.ui.extensions import Extension
from os2cli.ui.guard.guard import Credentials
from os2cli.ui.ingest.extension import analytics_extension
from os2cli.ui.page_context import PageContext
from os2cli.ui.pages.first_image import ensure_first_image
from os2cli.ui.server import CLEAN_UP_SECONDS, Server, listening_socket, wait_for_all
from os2cli.ui.site import Site
from os2cli.ui.terminal.routes import terminal_extension


def extensions(context: PageContext) -> Sequence[Extension]:
    """Create the extensions: the terminal and, with a key, analytics."""
    terminal = terminal_extension()
    analytics = analytics_extension(context, [*terminal.routes, *OWN_ROUTES])
    return [terminal, *([analytics] if analytics else [])]


def serve(
    docker_host: str | None,
    stage: str | None,
    port: int | None,
    *,
    tell: Callable[[str], None],
    note: Callable[[str], None],
    opening: bool,
) -> None:
    """Serve until a signal arrives; ``tell`` gets the URL, ``note`` everything else."""
    context = PageContext(docker_host, stage)
    listener = listening_socket(port)
    credentials = Credentials(listener.getsockname()[1])
    site = make_site(context, extensions(context))
    server = Server(make_app(site, credentials), listener)
    with server.running():
        try:
            tell(credentials.url)
            _in_background(lambda: _prepare(site, note))
            if opening:
                _in_background(lambda: _open(credentials.url, note))
            server.wait()
        except Interrupted:
            # While the page can still show the progress.
            _end_jobs(site, note)
            raise


def _in_background(do: Callable[[], None]) -> None:
    threading.Thread(target=do, daemon=True).start()


def _prepare(site: Site, note: Callable[[str], None]) -> None:
    if problem := ensure_first_image(site):
        site.context.remark = problem
        note(problem)


def _open(url: str, note: Callable[[str], None]) -> None:
    try:
        open_secret_page(url)
    except Os2Error as error:
        note(f"{error.message}; open the URL above in a browser")


def _end_jobs(site: Site, note: Callable[[str], None]) -> None:
    """Cancel all jobs and wait until they rolled back, for a limited time."""
    running = site.jobs.close()
    if not running:
        return
    titles = ", ".join(job.title for job in running)
    note(f"rolling back: {titles}; press Ctrl-C again to exit immediately")
    if not wait_for_all([job.ended.wait for job in running], CLEAN_UP_SECONDS):
        unfinished = ", ".join(job.title for job in running if not job.ended.is_set())
        with suppress(OSError):
            note(f"gave up after {CLEAN_UP_SECONDS:g} s, not rolled back: {unfinished}")
