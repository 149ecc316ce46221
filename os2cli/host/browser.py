"""Open a page in the user's browser."""

from __future__ import annotations

import webbrowser

from os2cli.core.errors import OperationFailed
from os2cli.host.web import is_openable


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
    start_browser(url)


def start_browser(address: str) -> None:
    """Pass an address of our own, or one that was checked, to the browser.

    Raises:
        OperationFailed: there is no browser on this host.
    """
    try:
        opened = webbrowser.open(address)
    except webbrowser.Error:
        opened = False
    if not opened:
        raise OperationFailed(
            "cannot open a browser on this host",
            hint="open the URL above yourself, or set BROWSER to a program that does",
            code="browser_missing",
        )
