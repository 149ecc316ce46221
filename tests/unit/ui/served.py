"""The web UI's server in this process, with a browser that is signed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from os2cli.ui.app import make_app, make_site
from os2cli.ui.guard.credentials import Credentials
from os2cli.ui.page_context import PageContext
from os2cli.ui.server import Server, listening_socket
from os2cli.ui.serving import extensions


@dataclass(frozen=True)
class Served:
    """A running server, its credentials, and a signed-in client."""

    credentials: Credentials
    http: httpx.Client

    @property
    def own(self) -> dict[str, str]:
        """The headers that its own pages send with a change."""
        return {"Origin": self.credentials.origin}

    @property
    def path(self) -> str:
        """The path below which its pages are."""
        return self.credentials.base

    @property
    def cookie(self) -> str:
        return f"{self.credentials.cookie}={self.credentials.session}"


@contextmanager
def served() -> Iterator[Served]:
    """Serve as ``os2 ui`` does, with the current settings."""
    context = PageContext()
    listener = listening_socket(None)
    credentials = Credentials(listener.getsockname()[1])
    app = make_app(make_site(context, extensions(context), credentials.home), credentials)
    with (
        Server(app, listener, credentials).running(),
        httpx.Client(base_url=credentials.home, timeout=30, trust_env=False) as http,
    ):
        assert http.get(credentials.url).status_code == 303
        yield Served(credentials, http)
    listener.close()
