"""Preview addresses: how the daemon of a sandbox is reached, and the token of a private one."""

from __future__ import annotations

import threading

import httpx

from os2cli.core.defaults import DAEMON_PORT, HEALTH_PATH
from os2cli.core.errors import Os2Error
from os2cli.core.models import Address, Health
from os2cli.host.network.bounded import fetch
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.errors import is_json
from os2cli.providers.daytona.api.retry import FAST
from os2cli.providers.daytona.api.wire import UrlAnswer, read
from os2cli.providers.daytona.machines.lifecycle import sandbox_path
from os2cli.providers.loopback import ANSWER_BYTES

PROBE_SECONDS = 3.0
TOKEN_HEADER = "X-Daytona-Preview-Token"  # noqa: S105  # its name
# Without it, each request counts as use: a machine that is looked at would never be idle.
LOOKING = {"X-Daytona-Skip-Last-Activity-Update": "true"}
_DOING = "looking for a machine's address"


class Previews:
    """Addresses of sandboxes, cached until their token stops working."""

    def __init__(self, client: DaytonaClient) -> None:
        self.client = client
        self._known: dict[str, UrlAnswer] = {}
        self._lock = threading.Lock()

    def address(self, sandbox_id: str) -> str:
        """Return the URL of the daemon; a private one requires a token."""
        return self._preview(sandbox_id).url.rstrip("/")

    def probe(self, sandbox_id: str) -> Health:
        """Ask the daemon for its health once, as a user would."""
        try:
            preview = self._preview(sandbox_id)
            answer = fetch(
                self.client.visitor,
                "GET",
                f"{preview.url.rstrip('/')}{HEALTH_PATH}",
                seconds=PROBE_SECONDS,
                limit=ANSWER_BYTES,
                headers={
                    TOKEN_HEADER: preview.token or "",
                    "X-Daytona-Skip-Preview-Warning": "true",
                    **LOOKING,
                },
                timeout=PROBE_SECONDS,
            )
        # ValueError: an invalid host name, or a token that is not valid in a header.
        except (Os2Error, httpx.HTTPError, httpx.InvalidURL, ValueError):
            return Health.STARTING
        if answer.is_success and is_json(answer):
            return Health.HEALTHY
        # Each start replaces the token. A server error means that nothing listens yet.
        if not answer.is_server_error:
            self.forget(sandbox_id)
        return Health.STARTING

    def reach(self, sandbox_id: str, port: int, signed_seconds: int | None) -> Address:
        """Return the address of any port; a signed one holds its token and needs no header."""
        path = f"{sandbox_path(sandbox_id)}/ports/{port}"
        if signed_seconds is not None:
            query = {"expiresInSeconds": signed_seconds}
            answer = self.client.get(f"{path}/signed-preview-url", query, doing=_DOING)
            return Address(read(UrlAnswer, answer, _DOING).url)
        preview = read(UrlAnswer, self.client.get(f"{path}/preview-url", doing=_DOING), _DOING)
        return Address(preview.url.rstrip("/"), preview.token, TOKEN_HEADER)

    def forget(self, sandbox_id: str) -> None:
        """Drop the cached address."""
        with self._lock:
            self._known.pop(sandbox_id, None)

    def _preview(self, sandbox_id: str) -> UrlAnswer:
        with self._lock:
            known = self._known.get(sandbox_id)
        if known is None:
            path = f"{sandbox_path(sandbox_id)}/ports/{DAEMON_PORT}/preview-url"
            answer = self.client.get(path, doing=_DOING, policy=FAST)
            known = read(UrlAnswer, answer, _DOING)
            self.client.keep_secret({"token": known.token or ""})
            with self._lock:
                self._known[sandbox_id] = known
        return known
