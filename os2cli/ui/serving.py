"""From the command's options to a page that is served, and to an orderly end."""

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
from os2cli.ui.server import CLEAN_UP_SECONDS, Server, listening_socket, waited_for
from os2cli.ui.site import Site
from os2cli.ui.terminal.routes import terminal_extension


def extensions(context: PageContext) -> Sequence[Extension]:
    """What other parts add to the page."""
    terminal = terminal_extension()
    analytics = analytics_extension(context, [*terminal.routes, *OWN_ROUTES])
    return [terminal, *([analytics] if analytics else [])]


def serve(
    context: PageContext,
    port: int | None,
    *,
    tell: Callable[[str], None],
    note: Callable[[str], None],
    opening: bool,
) -> None:
    """Serve until a signal comes; ``tell`` gets the address, ``note`` everything else."""
    listener = listening_socket(port)
    credentials = Credentials(listener.getsockname()[1])
    site = make_site(context, extensions(context))
    server = Server(make_app(site, credentials), listener)
    with server.running():
        try:
            tell(credentials.url)
            _beside(lambda: _make_ready(site, note))
            if opening:
                _beside(lambda: _open(credentials.url, note))
            server.wait()
        except Interrupted:
            # While the page can still show how it goes.
            _end_jobs(site, note)
            raise


def _beside(do: Callable[[], None]) -> None:
    threading.Thread(target=do, daemon=True).start()


def _make_ready(site: Site, note: Callable[[str], None]) -> None:
    if told := ensure_first_image(site):
        site.context.remark = told
        note(told)


def _open(url: str, note: Callable[[str], None]) -> None:
    try:
        open_secret_page(url)
    except Os2Error as error:
        note(f"{error.message}: open the address above yourself")


def _end_jobs(site: Site, note: Callable[[str], None]) -> None:
    """Let every job undo what it began, for as long as one may be kept waiting."""
    left = site.jobs.close()
    if not left:
        return
    titles = ", ".join(job.title for job in left)
    note(f"undoing what was begun: {titles}; again Ctrl-C leaves at once")
    if not waited_for([job.ended.wait for job in left], CLEAN_UP_SECONDS):
        open_ = ", ".join(job.title for job in left if not job.ended.is_set())
        with suppress(OSError):
            note(f"left in the middle after {CLEAN_UP_SECONDS:g} s: {open_}")
