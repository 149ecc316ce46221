"""Serve the web UI and shut it down in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from os2cli.core.cancellation import Interrupted
from os2cli.core.errors import Os2Error
from os2cli.host.forwarding_page import (
    PAGE_SECONDS,
    ForwardingPage,
    forwarding_page,
    posting_page,
)
from os2cli.ui.app import OWN_ROUTES, make_app, make_site
from os2cli.ui.extensions import Extension
from os2cli.ui.guard.credentials import Credentials
from os2cli.ui.guard.sign_in import SIGN_IN
from os2cli.ui.ingest.extension import analytics_extension
from os2cli.ui.page_context import PageContext
from os2cli.ui.pages.first_image import ensure_first_image
from os2cli.ui.server import CLEAN_UP_SECONDS, Server, listening_socket, wait_for_all
from os2cli.ui.site import Site
from os2cli.ui.terminal.routes import terminal_extension
from os2cli.ui.wire.log import logging_to

# Until a browser has opened the page; then the user is asked to.
ARRIVAL_SECONDS = 20.0


def extensions(context: PageContext) -> Sequence[Extension]:
    """Create the extensions: the terminal and, with a key, analytics."""
    terminal = terminal_extension()
    analytics = analytics_extension(context, [*terminal.routes, *OWN_ROUTES])
    return [terminal, *([analytics] if analytics else [])]


@dataclass(frozen=True)
class Surroundings:
    """What the server needs of its user: the directories, and where to report to.

    ``tell`` gets the URL, ``note`` everything else.
    """

    home: Path
    state: Path
    tell: Callable[[str], None]
    note: Callable[[str], None]


def serve(
    docker_host: str | None,
    stage: str | None,
    port: int | None,
    user: Surroundings,
    *,
    opening: bool,
) -> None:
    """Serve until a signal arrives."""
    context = PageContext(docker_host, stage)
    listener = listening_socket(port)
    arrived = threading.Event()
    credentials = Credentials(listener.getsockname()[1])
    credentials.on_sign_in = lambda: _on_sign_in(credentials, arrived, user.note)
    site = make_site(context, extensions(context), credentials.home)
    server = Server(make_app(site, credentials), listener, credentials)
    with logging_to(user.state), server.running(), ExitStack() as ending:
        try:
            user.tell(credentials.url)
            _in_background(lambda: _prepare(site, user.note))
            if opening:
                _open(credentials, user, arrived, ending)
            server.wait()
        except Interrupted:
            # While the page can still show the progress.
            _end_jobs(site, user.note)
            raise


def _in_background(do: Callable[[], None]) -> None:
    threading.Thread(target=do, daemon=True).start()


def _prepare(site: Site, note: Callable[[str], None]) -> None:
    if problem := ensure_first_image(site):
        site.context.remark = problem
        note(problem)


def _on_sign_in(
    credentials: Credentials, arrived: threading.Event, note: Callable[[str], None]
) -> None:
    """Report the next URL: the last one has been used."""
    arrived.set()
    url = credentials.url

    def report() -> None:
        # The terminal may be gone.
        with suppress(OSError, ValueError):
            note(f"a browser signed in; for another: {url}")

    # A terminal that is stopped must not stop the server.
    _in_background(report)


def _open(
    credentials: Credentials, user: Surroundings, arrived: threading.Event, ending: ExitStack
) -> None:
    """Open a browser; the file that takes it here goes once it was used, or after a while."""
    html = posting_page(f"{credentials.origin}{credentials.base}{SIGN_IN}",
                        {"token": credentials.token})  # fmt: skip
    try:
        page = ending.enter_context(forwarding_page(html, user.home, user.state))
    except Os2Error as error:
        user.note(f"{error.message}; open the URL above in a browser")
        return

    def remove() -> None:
        arrived.wait(PAGE_SECONDS)
        page.remove()

    _in_background(remove)
    _in_background(lambda: _show(page, arrived, user.note))


def _show(page: ForwardingPage, arrived: threading.Event, note: Callable[[str], None]) -> None:
    try:
        page.open()
    except Os2Error as error:
        note(f"{error.message}; open the URL above in a browser")
        return
    if not arrived.wait(ARRIVAL_SECONDS):
        note(f"no browser opened the page within {ARRIVAL_SECONDS:g} s; open the URL above in one")


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
