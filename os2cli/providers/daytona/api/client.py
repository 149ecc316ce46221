"""The client of Daytona's API: JSON in, JSON out, failures as our errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

import httpx

from os2cli import __version__
from os2cli.core.clock import REAL_TIME, Clock
from os2cli.core.daytona_access import DaytonaAccess
from os2cli.core.deadline import at_most, seconds_left
from os2cli.core.errors import OperationFailed, Os2Error, Unreachable
from os2cli.core.waiting import current_wait
from os2cli.host.network.bounded import AnswerTooLarge
from os2cli.host.network.transport import Transport
from os2cli.providers.daytona.api.access import checked_url, login_headers, may_receive_key
from os2cli.providers.daytona.api.answers import answer, json_of, weight
from os2cli.providers.daytona.api.errors import (
    LostAnswer,
    WayBlocked,
    connection_error,
    error_message,
    invalid_answer,
    is_page,
    may_have_been_sent,
    not_json_error,
    rate_limit_error,
    redact,
    response_error,
    spellings,
)
from os2cli.providers.daytona.api.pauses import Pauses
from os2cli.providers.daytona.api.retry import (
    DEFAULT,
    FAST,
    PASSING,
    TOO_MANY,
    Retryable,
    RetryPolicy,
    patience,
    pause,
    retry_after,
)


class DaytonaClient:
    """One account at one API; several threads may use it at once.

    ``transport`` and ``clock`` are for tests.
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
        self.pauses = Pauses(clock)
        self._transport = transport
        self._secrets = spellings(filter(None, (access.api_key, access.jwt)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the open connections; commands leave that to the end of the process."""
        for name in {"http", "visitor"} & self.__dict__.keys():
            self.__dict__.pop(name).close()

    @cached_property
    def url(self) -> str:
        """The API's base URL, checked."""
        return checked_url(self.access)

    @cached_property
    def http(self) -> httpx.Client:
        """Connections that carry the API key."""
        return self._connections(login_headers(self.access))

    @cached_property
    def visitor(self) -> httpx.Client:
        """Connections without the API key, for other addresses than the API's."""
        return self._connections({})

    def _connections(self, headers: Mapping[str, str]) -> httpx.Client:
        return httpx.Client(
            headers={"User-Agent": f"os2/{__version__}", **headers},
            transport=self._transport or Transport(),
            trust_env=False,
            # A redirect must not send the API key to another host.
            follow_redirects=False,
        )

    def connections_for(self, address: str) -> httpx.Client:
        """Return connections with the API key if ``address`` may receive it, else without.

        That is the API's own host, and the proxy that the API's ``/config`` names.
        """
        if may_receive_key(self.url, address) or may_receive_key(self._proxy, address):
            return self.http
        return self.visitor

    @cached_property
    def _proxy(self) -> str:
        try:
            config = self.get("/config", doing="asking for the proxy's address", policy=FAST)
        except Os2Error:
            return ""
        return str(config.get("proxyToolboxUrl") or "") if isinstance(config, dict) else ""

    def keep_secret(self, values: Mapping[str, str]) -> None:
        """Redact these values in messages: an answer may repeat them."""
        self._secrets |= spellings(values.values())

    def redact(self, text: str) -> str:
        """Return ``text`` without secrets."""
        return redact(text, self._secrets)

    def connection_error(self, doing: str, url: str, error: Exception, *, hint: str) -> Unreachable:
        """Return the error for a request without a response, without secrets."""
        return connection_error(doing, url, error, self._secrets, hint=hint)

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
        """Send a GET request and return the JSON of its answer."""
        return json_of(self._send("GET", path, doing, policy, params=query), doing)

    def create(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        doing: str,
        needs: str = "",
        policy: RetryPolicy = DEFAULT,
    ) -> Any:
        """Send a POST request that creates something, and return the JSON of its answer.

        Raises:
            LostAnswer: it may have been created.
        """
        response = self._send("POST", path, doing, policy, repeatable=False, needs=needs, json=body)
        try:
            return json_of(response, doing)
        except OperationFailed as error:
            raise LostAnswer.of(error) from error

    def change(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        needs: str = "",
        policy: RetryPolicy = DEFAULT,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        """Request a change that is safe to repeat, such as a stop or a removal."""
        if is_page(response := self._send(method, path, doing, policy, needs=needs, json=body)):
            raise not_json_error(doing, response)

    def response_headers(self, path: str, *, doing: str, policy: RetryPolicy) -> Mapping[str, str]:
        """Send a GET request and return the headers of its answer."""
        return self._send("GET", path, doing, policy).headers

    def _send(
        self, method: str, path: str, doing: str, policy: RetryPolicy, **request: Any
    ) -> httpx.Response:
        failures, waited = 0, 0.0
        policy = patience(policy, current_wait())
        while True:
            began = time.monotonic()
            try:
                return self._attempt(method, path, doing, policy, **request)
            except Retryable as error:
                failures += error.weight
                waited += error.seconds or 0.0
                took = time.monotonic() - began
                if policy.is_spent(failures, waited, took) or seconds_left() == 0:
                    raise error.failure from error.__cause__
                if error.seconds:
                    self.pauses.report(doing, error.seconds, waited)
                self.clock.sleep(at_most(error.seconds or pause(failures)) or 0.0)

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
        try:
            response = answer(self.http, method, f"{self.url}{path}", policy, **content)
        except AnswerTooLarge as error:
            large = invalid_answer(doing, str(error))
            raise (large if repeatable else LostAnswer.of(large)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure: Os2Error = connection_error(doing, self.url, error, self._secrets)
            if isinstance(failure, WayBlocked):
                raise failure from error
            if not repeatable and may_have_been_sent(error):
                raise LostAnswer.of(failure) from error
            raise Retryable(failure, weight=weight(error)) from error
        if response.is_success:
            return response
        if response.status_code == TOO_MANY:
            seconds = retry_after(response.headers)
            raise Retryable(
                rate_limit_error(doing, response.headers, seconds), weight=0, seconds=seconds
            )
        failure = response_error(doing, response, self._secrets, needs)
        if response.status_code not in PASSING:
            # What fails in the API fails again, unless the request only asks.
            failure.transient = failure.transient and method == "GET"
            raise failure
        if not repeatable:
            raise LostAnswer.of(failure)
        raise Retryable(failure)
