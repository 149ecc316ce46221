"""Open a URL in the user's browser without showing it to other users of this host."""

from __future__ import annotations

import secrets
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from os2cli.core.errors import OperationFailed
from os2cli.host.web import is_openable

# Enough for a browser that must be started first.
ARRIVAL_SECONDS = 20.0
_POLL_SECONDS = 0.1


def open_page(url: str) -> None:
    """Open a URL that other users may see in the arguments of a program.

    Raises:
        OperationFailed: there is no browser on this host, or the URL is not one for it.
    """
    if not is_openable(url):
        raise OperationFailed(
            f"a browser does not get this address: {url!r}",
            hint="open it yourself if you trust it",
            code="address_unsafe",
        )
    try:
        opened = webbrowser.open(url)
    except webbrowser.Error:
        opened = False
    if not opened:
        raise OperationFailed(
            "cannot open a browser on this host",
            hint="open the URL above yourself, or set BROWSER to a program that does",
            code="browser_missing",
        )


def open_secret_page(url: str, seconds: float = ARRIVAL_SECONDS) -> None:
    """Open a URL that contains a token.

    All users of this host can read the arguments of a browser: it gets a URL of os2 that works once
    and redirects it.

    Raises:
        OperationFailed: there is no browser on this host, or it did not open the page.
    """
    if not is_openable(url):
        # Not its text: it may hold the token.
        raise OperationFailed(
            "the provider's link is not a web address",
            hint="see it: os2 machine url NAME --signed",
            code="address_unsafe",
        )
    path = f"/{secrets.token_urlsafe(16)}"
    taken, sent = threading.Lock(), threading.Event()

    class SendOn(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            if self.path != path or not taken.acquire(blocking=False):
                self.send_error(404)
                return
            self.send_response(302)
            self.send_header("Location", url)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            sent.set()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Discard the log, which would go to the user's terminal."""

    # Browsers open idle connections: each has its own thread.
    with ThreadingHTTPServer(("127.0.0.1", 0), SendOn) as server:
        threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
        try:
            # A terminal browser returns when it exits, after it has opened the page.
            open_page(f"http://127.0.0.1:{server.server_port}{path}")
            arrived = sent.wait(seconds)
        finally:
            server.shutdown()
    if not arrived:
        raise OperationFailed(
            f"the browser did not open the page within {seconds:g} s",
            hint="print a URL that opens it: os2 machine url NAME --signed",
            code="browser_missing",
        )
