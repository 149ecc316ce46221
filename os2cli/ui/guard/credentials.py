"""The secrets of one server: its folder, its session, and the token that signs a browser in."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable

from os2cli.ui.guard.cookies import PREFIX, cookie_values

HOST = "127.0.0.1"


class Credentials:
    """The port of the server, and its secrets.

    Everything lives below ``base``, a path that other programs do not know: it is the cookie's
    path, so that a page on another port of this host never receives the cookie.

    A token works once. Then the next one counts, and ``on_sign_in`` is called.
    """

    def __init__(self, port: int, on_sign_in: Callable[[], None] = lambda: None) -> None:
        self.port = port
        self.base = f"/{secrets.token_urlsafe(18)}"
        self.session = secrets.token_urlsafe(32)
        self.token = secrets.token_urlsafe(32)
        self.on_sign_in = on_sign_in
        self._lock = threading.Lock()

    @property
    def origin(self) -> str:
        """The origin of all pages, without their path."""
        return f"http://{HOST}:{self.port}"

    @property
    def home(self) -> str:
        """The URL below which all pages are."""
        return f"{self.origin}{self.base}/"

    @property
    def url(self) -> str:
        """The URL that signs a browser in, once; a secret."""
        return f"{self.home}?token={self.token}"

    @property
    def cookie(self) -> str:
        """The cookie's name, one per port: browsers share cookies between the ports of a host."""
        return f"{PREFIX}{self.port}"

    def covers(self, path: str) -> bool:
        """Return whether a path is below ``base``."""
        folder, slash, _ = path[1:].partition("/")
        return bool(slash) and is_same(f"/{folder}".encode(), self.base)

    def redeem(self, token: str) -> bool:
        """Return whether a token is the current one, and replace it if so."""
        with self._lock:
            if not is_same(token.encode(), self.token):
                return False
            self.token = secrets.token_urlsafe(32)
        self.on_sign_in()
        return True

    def are_in(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Return whether the headers of a request have the cookie of the session."""
        values = cookie_values(headers, self.cookie)
        return any(is_same(value, self.session) for value in values)

    def end_session(self) -> None:
        """Sign out every browser."""
        self.session = secrets.token_urlsafe(32)


def is_same(value: bytes, expected: str) -> bool:
    """Compare a secret in constant time."""
    return secrets.compare_digest(value, expected.encode())
