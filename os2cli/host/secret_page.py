"""Open a URL with a token in the user's browser without showing it to other users of this host.

The URL gets neither into the arguments of a program nor on a disk: the browser opens a page that
only its user can read, which posts to a server of os2, which redirects it once.
"""

from __future__ import annotations

import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from os2cli.core.errors import OperationFailed
from os2cli.host.forwarding_page import forwarding_page, posting_page
from os2cli.host.web import is_openable

# Enough for a browser that must be started first.
ARRIVAL_SECONDS = 20.0
_POLL_SECONDS = 0.1


def open_secret_page(url: str, home: Path, state: Path, seconds: float = ARRIVAL_SECONDS) -> None:
    """Open a URL that contains a token; the page lies below ``home`` or ``state`` meanwhile.

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
        def do_POST(self) -> None:  # the library's name
            if self.path != path or not taken.acquire(blocking=False):
                self.send_error(404)
                return
            self.send_response(303)
            self.send_header("Location", url)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            sent.set()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Discard the log, which would go to the user's terminal."""

    # Browsers open idle connections: each has its own thread.
    with ThreadingHTTPServer(("127.0.0.1", 0), SendOn) as server:
        html = posting_page(f"http://127.0.0.1:{server.server_port}{path}", {})
        threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
        try:
            with forwarding_page(html, home, state) as page:
                # A terminal browser returns when it exits, after it has opened the page.
                page.open()
                arrived = sent.wait(seconds)
        finally:
            server.shutdown()
    if not arrived:
        raise OperationFailed(
            f"the browser did not open the page within {seconds:g} s",
            hint="print a URL that opens it: os2 machine url NAME --signed",
            code="browser_missing",
        )
