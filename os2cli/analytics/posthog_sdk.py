"""PostHog's own SDK makes the messages and posts them; only the process that delivers imports it.

The SDK's queue would not say which of its messages were taken. Here it hands each message over as
it would be sent, and its own ``batch_post`` posts many at once: all of them are taken, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests
from posthog import Posthog
from posthog.request import APIError, batch_post
from requests.adapters import HTTPAdapter

from os2cli.analytics.deliveries import NotTaken, Refused
from os2cli.analytics.spool import Event
from os2cli.host.web import certificates

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
_MAX_ANSWER_BYTES = 64 * 1024
# What the SDK may add; nothing of it says whose computer this is.
_ADDED = frozenset(
    {
        "$geoip_disable",
        "$groups",
        "$is_server",
        "$lib",
        "$lib_version",
        "$os",
        "$os_distro",
        "$os_version",
        "$python_runtime",
        "$python_version",
    }
)
_TOO_EARLY, _TIMED_OUT = 429, 408
_WRONG_KEY = (401, 402, 403, 404)


class Project:
    """One project of PostHog."""

    def __init__(self, key: str, host: str) -> None:
        self._key = key
        self._host = host
        self._made: list[dict[str, Any]] = []
        # It neither sends anything by itself nor starts a thread.
        self._client = Posthog(
            key, host=host, send=False, sync_mode=True, before_send=self._made_message
        )
        self._session = _Session()

    def _made_message(self, message: dict[str, Any]) -> dict[str, Any]:
        self._made.append(message)
        return message

    def message(self, event: Event) -> dict[str, Any] | None:
        """The event exactly as it is sent, None: it can't be."""
        self._made.clear()
        self._client.capture(
            event.name,
            distinct_id=event.distinct_id,
            properties=dict(event.properties),
            timestamp=event.timestamp,
            uuid=event.uuid,
            groups=dict(event.groups),
        )
        if not self._made:
            return None
        message = self._made.pop()
        known = _ADDED | event.properties.keys()
        kept = {name: value for name, value in message["properties"].items() if name in known}
        return {**message, "properties": kept}

    def post(self, messages: Sequence[dict[str, Any]]) -> None:
        """Have all of them taken, or raise ``Refused`` or ``NotTaken``."""
        try:
            batch_post(
                self._key,
                self._host,
                gzip=True,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),  # type: ignore[arg-type]
                session=self._session,
                batch=list(messages),
                historical_migration=False,
            )
        except APIError as error:
            raise _judged(error.status) from error
        except requests.Timeout as error:
            raise NotTaken("it did not answer in time") from error
        except (requests.RequestException, OSError, MemoryError) as error:
            raise NotTaken(f"it can't be reached: {type(error).__name__}") from error


def _judged(status: Any) -> Refused | NotTaken:
    if status in _WRONG_KEY:
        return NotTaken(f"the key was refused: {status}")
    passing = not isinstance(status, int) or status >= 500 or status < 400
    if passing or status in (_TOO_EARLY, _TIMED_OUT):
        return NotTaken(f"it answered {status}")
    return Refused(f"it answered {status}")


class _Adapter(HTTPAdapter):
    """Trusts what the system trusts, besides the authorities that requests brings."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        kwargs["ssl_context"] = certificates()
        super().init_poolmanager(*args, **kwargs)


class _Session(requests.Session):
    """Reads a little of an answer, follows nobody elsewhere, and sends no login from ``.netrc``."""

    def __init__(self) -> None:
        super().__init__()
        self.mount("https://", _Adapter())
        self.max_redirects = 0
        self.auth = lambda request: request
        self.headers["Accept-Encoding"] = "identity"

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send it, and take no more of the answer than PostHog ever writes."""
        response = super().send(request, **{**kwargs, "stream": True})
        try:
            body = response.raw.read(_MAX_ANSWER_BYTES + 1, decode_content=False)
        except Exception as error:
            raise requests.ConnectionError("the answer broke off") from error
        finally:
            response.close()
        if len(body) > _MAX_ANSWER_BYTES:
            raise requests.ConnectionError("the answer has no end")
        response._content = body
        return response
