"""The connection to Daytona's API: JSON in, JSON out, failures in our words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import httpx

from os2cli import __version__
from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.errors import OperationFailed, Os2Error, Unreachable
from os2cli.host.web import LOOPBACK_PATTERNS, certificates
from os2cli.providers.daytona.api.access import checked_url, login_headers, may_receive_key
from os2cli.providers.daytona.api.errors import (
    LostAnswer,
    connection_error,
    error_message,
    invalid_answer,
    is_json,
    may_have_been_sent,
    not_json_error,
    rate_limit_error,
    redact,
    response_error,
    spellings,
)
from os2cli.providers.daytona.api.retry import (
    DEFAULT,
    FAST,
    PASSING,
    TOO_MANY,
    Retryable,
    RetryPolicy,
    pause,
    retry_after,
)


class DaytonaClient:
    """One account at one API; may be used by several threads at once.

    ``transport`` and ``clock`` are for tests: the wire and the time.
    """

    def __init__(
        self,
        access: DaytonaAccess,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Clock = REAL_TIME,
    ) -> None:
        self.access = access
        self.clock = clock
        self._transport = transport
        self._secrets = spellings(filter(None, (access.api_key, access.jwt)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that were opened; a command leaves that to its end."""
        for name in ("http", "visitor"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    @cached_property
    def url(self) -> str:
        """The API's base URL, checked."""
        return checked_url(self.access)

    @cached_property
    def http(self) -> httpx.Client:
        """The connections that say who asks."""
        return self._connections(login_headers(self.access))

    @cached_property
    def visitor(self) -> httpx.Client:
        """Connections that carry no key, for addresses that are not the API's."""
        return self._connections({})

    def _connections(self, headers: Mapping[str, str]) -> httpx.Client:
        try:
            return httpx.Client(
                headers={"User-Agent": f"os2/{__version__}", **headers},
                verify=certificates(),
                transport=self._transport,
                # Plain HTTP is for this computer alone: a proxy would be another one.
                mounts=dict.fromkeys(LOOPBACK_PATTERNS),
                # Nobody else gets the key because the API, or who pretends to be it, says so.
                follow_redirects=False,
            )
        except (httpx.InvalidURL, ImportError, ValueError, OSError) as error:
            raise Unreachable(
                f"no connection to Daytona can be set up: {type(error).__name__}: {error}",
                hint="see whether HTTPS_PROXY and SSL_CERT_FILE are right",
            ) from error

    def connections_for(self, address: str) -> httpx.Client:
        """Those with the key where ``address`` may have it, else those without.

        Beside the API's own host that is the proxy of which the API tells everybody that it is its.
        """
        if may_receive_key(self.url, address) or may_receive_key(self._proxy, address):
            return self.http
        return self.visitor

    @cached_property
    def _proxy(self) -> str:
        try:
            answer = self.get("/config", doing="asking for the proxy's address", policy=FAST)
        except Os2Error:
            return ""
        return str(answer.get("proxyToolboxUrl") or "") if isinstance(answer, dict) else ""

    def keep_secret(self, values: Mapping[str, str]) -> None:
        """Never show these values, should the API repeat them in an answer."""
        self._secrets |= spellings(values.values())

    def redact(self, text: str) -> str:
        """``text`` without what must not be shown."""
        return redact(text, self._secrets)

    def error_message(self, response: httpx.Response) -> str:
        """Return the message of an error response without secrets; may be empty."""
        return error_message(response, self._secrets)

    def get(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        doing: str,
        policy: RetryPolicy = DEFAULT,
    ) -> Any:
        """Read something; the JSON that it answers."""
        return self._json(self._send("GET", path, doing, policy, params=query), doing)

    def create(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        doing: str,
        needs: str = "",
        policy: RetryPolicy = DEFAULT,
    ) -> Any:
        """Make something.

        Raises:
            LostAnswer: whether it was made is not known.
        """
        response = self._send("POST", path, doing, policy, repeatable=False, needs=needs, json=body)
        try:
            return self._json(response, doing)
        except OperationFailed as error:
            raise LostAnswer(error.message, hint=error.hint) from error

    def change(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        needs: str = "",
        policy: RetryPolicy = DEFAULT,
    ) -> None:
        """Ask for a change that may be asked for twice, such as a stop or a removal."""
        self._send(method, path, doing, policy, needs=needs)

    def response_headers(self, path: str, *, doing: str, policy: RetryPolicy) -> Mapping[str, str]:
        """The headers of an answer, for what stands in them alone."""
        return self._send("GET", path, doing, policy).headers

    def _send(
        self, method: str, path: str, doing: str, policy: RetryPolicy, **request: Any
    ) -> httpx.Response:
        failures, waited = 0, 0.0
        while True:
            try:
                return self._attempt(method, path, doing, policy, **request)
            except Retryable as error:
                failures += error.weight
                waited += error.seconds or 0.0
                if failures >= policy.attempts or waited > policy.longest_wait_seconds:
                    raise error.failure from error.__cause__
                self.clock.sleep(error.seconds or pause(failures))

    def _attempt(
        self,
        method: str,
        path: str,
        doing: str,
        policy: RetryPolicy,
        *,
        repeatable: bool = True,
        needs: str = "",
        **content: Any,
    ) -> httpx.Response:
        timeout = httpx.Timeout(policy.answer_seconds, connect=policy.connect_seconds)
        try:
            response = self.http.request(method, f"{self.url}{path}", timeout=timeout, **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure: Os2Error = connection_error(doing, self.url, error, self._secrets)
            if not repeatable and may_have_been_sent(error):
                raise LostAnswer(failure.message, hint=failure.hint) from error
            late = isinstance(error, httpx.TimeoutException)
            raise Retryable(failure, weight=2 if late else 1) from error
        if response.is_success:
            return response
        if response.status_code == TOO_MANY:
            seconds = retry_after(response.headers)
            raise Retryable(
                rate_limit_error(doing, response.headers, seconds), weight=0, seconds=seconds
            )
        failure = response_error(doing, response, self._secrets, needs)
        if response.status_code not in PASSING:
            raise failure
        if not repeatable:
            raise LostAnswer(failure.message, hint=failure.hint)
        raise Retryable(failure)

    def _json(self, response: httpx.Response, doing: str) -> Any:
        if not is_json(response):
            raise not_json_error(doing, response)
        try:
            return response.json()
        except (ValueError, RecursionError) as error:
            raise invalid_answer(doing, "it is not JSON") from error
