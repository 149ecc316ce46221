"""PostHog's own SDK builds and posts the messages; only the delivering process imports it.

The SDK's queue doesn't report which messages were accepted. So the SDK only builds each message
here, and its ``batch_post`` posts a batch, which is accepted or rejected as a whole.
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
from os2cli.host.network.proxies import Proxies
from os2cli.host.network.relay import FAILED, LOGIN_REJECTED
from os2cli.host.network.routes import proxy_url
from os2cli.host.network.tls import certificates

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
_MAX_RESPONSE_BYTES = 64 * 1024
# The properties the SDK may add; none of them identifies this computer.
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
_RATE_LIMITED, _TIMED_OUT = 429, 408
_OF_A_PROXY = (LOGIN_REJECTED, FAILED)
_WRONG_KEY = (401, 402, 403, 404)


class Project:
    """One project of PostHog."""

    def __init__(self, key: str, host: str) -> None:
        self._key = key
        self._host = host
        self._messages: list[dict[str, Any]] = []
        # It sends nothing by itself and starts no thread.
        self._client = Posthog(
            key, host=host, send=False, sync_mode=True, before_send=self._collect
        )
        self._session = _Session()

    def _collect(self, message: dict[str, Any]) -> dict[str, Any]:
        self._messages.append(message)
        return message

    def message(self, event: Event) -> dict[str, Any] | None:
        """Return the event exactly as it is sent; None if the SDK rejects it."""
        self._messages.clear()
        self._client.capture(
            event.name,
            distinct_id=event.distinct_id,
            properties=dict(event.properties),
            timestamp=event.timestamp,
            uuid=event.uuid,
            groups=dict(event.groups),
        )
        if not self._messages:
            return None
        message = self._messages.pop()
        known = _ADDED | event.properties.keys()
        properties = {name: value for name, value in message["properties"].items() if name in known}
        return {**message, "properties": properties}

    def post(self, messages: Sequence[dict[str, Any]]) -> None:
        """Post all messages; raises ``Refused`` or ``NotTaken`` for the batch."""
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
            if error.status in _OF_A_PROXY:
                raise self._proxy_error() from error
            raise _error_for(error.status) from error
        except requests.exceptions.ProxyError as error:
            raise self._proxy_error() from error
        except requests.Timeout as error:
            raise NotTaken("PostHog timed out") from error
        except (requests.RequestException, OSError, MemoryError) as error:
            raise NotTaken(f"cannot reach PostHog: {type(error).__name__}") from error

    def _proxy_error(self) -> NotTaken:
        proxy = Proxies.of_process().for_url(self._host)
        return NotTaken(f"cannot reach PostHog through {proxy or 'a proxy'}")


def _error_for(status: Any) -> Refused | NotTaken:
    if status in _WRONG_KEY:
        return NotTaken(f"PostHog rejected the API key: {status}")
    temporary = not isinstance(status, int) or status >= 500 or status < 400
    if temporary or status in (_RATE_LIMITED, _TIMED_OUT):
        return NotTaken(f"PostHog returned {status}")
    return Refused(f"PostHog returned {status}")


class _Adapter(HTTPAdapter):
    """An adapter that also trusts the system's certificate authorities."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        kwargs["ssl_context"] = certificates()
        super().init_poolmanager(*args, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        context = certificates()
        if proxy.startswith("https:"):
            kwargs["proxy_ssl_context"] = context
        return super().proxy_manager_for(proxy, ssl_context=context, **kwargs)


class _Session(requests.Session):
    """A session with bounded responses, no redirects, and os2's own choice of proxies."""

    def __init__(self) -> None:
        super().__init__()
        self.mount("https://", _Adapter())
        self.max_redirects = 0
        # Neither proxies nor a login from `.netrc`.
        self.trust_env = False
        self.headers["Accept-Encoding"] = "identity"

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request and read a bounded response."""
        proxy = proxy_url(request.url or "")
        proxies = {"http": proxy, "https": proxy} if proxy else {}
        response = super().send(request, **{**kwargs, "stream": True, "proxies": proxies})
        try:
            body = response.raw.read(_MAX_RESPONSE_BYTES + 1, decode_content=False)
        except Exception as error:
            raise requests.ConnectionError("the response ended early") from error
        finally:
            response.close()
        if len(body) > _MAX_RESPONSE_BYTES:
            raise requests.ConnectionError("the response is too large")
        response._content = body
        return response
