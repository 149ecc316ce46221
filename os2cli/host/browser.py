"""Opening an address in the user's browser without showing it to other users of this host."""

from __future__ import annotations

import secrets
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from os2cli.core.errors import OperationFailed

# A browser that has to be started first.
ARRIVAL_SECONDS = 20.0
_POLL_SECONDS = 0.1


def open_page(url: str) -> None:
    """Open an address that may stand in the arguments of a program.

    Raises:
        OperationFailed: there is no browser here.
    """
    try:
        opened = webbrowser.open(url)
    except webbrowser.Error:
        opened = False
    if not opened:
        raise OperationFailed(
            "no browser could be opened here",
            hint="open the address above yourself, or set BROWSER to a program that does",
            code="browser_missing",
        )


def open_secret_page(url: str, seconds: float = ARRIVAL_SECONDS) -> None:
    """Open an address that holds a token.

    Everybody on this host can read the arguments of a browser that is started: it gets an address
    of ours, which works once and sends it on.

    Raises:
        OperationFailed: there is no browser here, or it did not come.
    """
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
            """Nothing: the log would be the user's terminal."""

    # Browsers open connections that they say nothing on: each has a thread of its own.
    with ThreadingHTTPServer(("127.0.0.1", 0), SendOn) as server:
        threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
        try:
            # A browser on the terminal returns at its end, when it has been here already.
            open_page(f"http://127.0.0.1:{server.server_port}{path}")
            arrived = sent.wait(seconds)
        finally:
            server.shutdown()
    if not arrived:
        raise OperationFailed(
            f"the browser did not come for the page within {seconds:g} s",
            hint="print an address that opens it: os2 machine url NAME --signed",
            code="browser_missing",
        )
