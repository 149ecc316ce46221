"""The toolbox: the API inside a sandbox, for programs, files and logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from os2cli.core.deadline import seconds_left, within
from os2cli.core.errors import NotAuthorised, NotFound, OperationFailed, Os2Error, Unreachable
from os2cli.core.json_text import parse_json
from os2cli.core.models import MachineState
from os2cli.host.network.bounded import AnswerTooLarge, opened, read_start, read_whole
from os2cli.providers.daytona.api.answers import ANSWER_BYTES, ERROR_BYTES, ERROR_SECONDS
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.errors import WayBlocked, invalid_answer, status_line
from os2cli.providers.daytona.api.retry import FAST, PASSING, TOO_MANY, pause, retry_after
from os2cli.providers.daytona.api.wire import SandboxAnswer
from os2cli.providers.daytona.machines.lifecycle import look_at
from os2cli.providers.daytona.machines.previews import LOOKING
from os2cli.providers.daytona.machines.sandboxes import machine_from
from os2cli.providers.loopback import require_running

REQUEST_SECONDS = 30.0
# A program keeps running while the connection to it is down for a while.
SILENT_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 5.0
SILENCE_SECONDS = 60.0
# For rolling back while the user waits for the command to end.
UNDO_SECONDS = 2.0
TIMED_OUT = 408
# Without it, or with a version before 0.167, both streams of a log come as one.
_HEADERS = {"X-Daytona-SDK-Version": "0.190.0"}


class Patience:
    """How long the toolbox may fail until an operation gives up; one for each operation."""

    def __init__(self, toolbox: Toolbox) -> None:
        self.toolbox = toolbox
        self.clock = toolbox.client.clock
        self._failing_since: float | None = None
        self._failures = 0

    def after(self, failure: Unreachable) -> None:
        """Pause, and return if another attempt makes sense.

        Raises:
            Conflict: the machine is not running.
            NotFound: the machine does not exist.
            Unreachable: it is ``failure``, and this has lasted for too long.
        """
        if isinstance(failure, WayBlocked) or seconds_left() == 0:
            raise failure
        self.toolbox.require_running()
        now = self.clock.now()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since >= SILENT_SECONDS:
            raise failure
        self._failures += 1
        requested = float(failure.details.get("retry_after_seconds", 0))
        seconds = max(requested, min(pause(self._failures), LONGEST_PAUSE_SECONDS))
        self.clock.sleep(min(seconds, SILENT_SECONDS))

    def restore(self) -> None:
        """Take note of an answer."""
        self._failing_since, self._failures = None, 0


class Toolbox:
    """The toolbox of one running sandbox; ``looking`` at it does not count as use."""

    def __init__(
        self, client: DaytonaClient, sandbox: SandboxAnswer, machine: str, *, looking: bool = False
    ) -> None:
        self.client = client
        self.machine = machine
        self.sandbox = sandbox.id
        self.headers = {**_HEADERS, **(LOOKING if looking else {})}
        if not sandbox.toolbox_url:
            raise OperationFailed(
                f"Daytona returned no toolbox URL for machine {machine}",
                hint="check the API: os2 doctor",
                code="answer_invalid",
            )
        self.url = f"{sandbox.toolbox_url.rstrip('/')}/{quote(sandbox.id, safe='')}"

    @cached_property
    def http(self) -> httpx.Client:
        """Connections to the toolbox, with the API key if it may receive it."""
        return self.client.connections_for(self.url)

    def request(
        self, method: str, path: str, doing: str, *, retry: bool = True, **content: Any
    ) -> httpx.Response:
        """Send a request, again after failures that pass, and return its response, a success.

        Raises:
            Conflict: the sandbox is not running.
            NotAuthorised: the API key lacks a permission.
            NotFound: the sandbox does not exist, or the path in it.
            OperationFailed: it was rejected; ``details`` holds the status.
            Unreachable: it got no response, or one that is worth a retry.
        """
        patience = Patience(self)
        while True:
            try:
                return self.send(method, path, doing, **content)
            except Unreachable as failure:
                if not retry:
                    raise
                patience.after(failure)
            except (NotAuthorised, NotFound, OperationFailed):
                # What the proxy says of a sandbox that has stopped depends on how far it has.
                self.require_running()
                raise

    def send(self, method: str, path: str, doing: str, **content: Any) -> httpx.Response:
        """Send a request once, with ``seconds`` for the whole answer.

        Raises as ``request`` does, but for ``Conflict``.
        """
        seconds = content.setdefault("seconds", REQUEST_SECONDS)
        with within(seconds), self.opened(method, path, doing, **content) as response:
            try:
                return read_whole(response, ANSWER_BYTES)
            except AnswerTooLarge as error:
                raise invalid_answer(doing, str(error)) from error

    @contextmanager
    def opened(
        self,
        method: str,
        path: str,
        doing: str,
        *,
        seconds: float = REQUEST_SECONDS,
        accepts: int | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Iterator[httpx.Response]:
        """Send a request once and yield its response, a success, or of the status ``accepts``.

        ``seconds`` are for its head. Its body may take any time, but not be silent for that long.
        """
        silence = httpx.Timeout(min(seconds, SILENCE_SECONDS))
        try:
            with opened(
                self.http,
                method,
                f"{self.url}{path}",
                seconds=seconds,
                headers={**self.headers, **(headers or {})},
                timeout=silence,
                **content,
            ) as response:
                if not response.is_success and response.status_code != accepts:
                    answer = read_start(response, ERROR_BYTES, ERROR_SECONDS)
                    raise self._response_error(doing, answer)
                yield response
        # ValueError: an invalid host name.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self.no_answer(doing, error) from error

    def require_running(self) -> None:
        """Raise ``Conflict`` or ``NotFound`` if Daytona knows that the machine isn't running."""
        doing = f"looking for machine {self.machine}"
        try:
            sandbox = look_at(self.client, self.sandbox, doing, FAST)
        except NotFound:
            raise self._removed() from None
        except Os2Error:
            return
        machine = replace(machine_from(sandbox), name=self.machine)
        if machine.state is MachineState.REMOVING:
            raise self._removed()
        require_running(machine)

    def _removed(self) -> NotFound:
        return NotFound(
            f"machine {self.machine} was removed",
            hint="list the machines: os2 machine list",
            code="machine_not_found",
        )

    def no_answer(self, doing: str, error: Exception) -> Unreachable:
        """Return the error for a request without a response."""
        return self.client.connection_error(
            doing, self.url, error, hint="retry; check the API: os2 doctor"
        )

    def _response_error(self, doing: str, answer: httpx.Response) -> Os2Error:
        status, words = answer.status_code, self.client.error_message(answer)
        message = f"{doing} failed: {status_line(status, words)}"
        details: dict[str, float] = {"status": status}
        if status in (401, 403):
            return NotAuthorised(
                message,
                hint="use another API key; see its permissions: os2 doctor",
                code="not_permitted",
                details=details,
            )
        if status in (TOO_MANY, TIMED_OUT, *PASSING):
            if status == TOO_MANY:
                details["retry_after_seconds"] = retry_after(answer.headers)
            return Unreachable(
                message, hint="retry in a minute; check the API: os2 doctor", details=details
            )
        if status == 404:
            return NotFound(message, hint="list the machines: os2 machine list", details=details)
        return OperationFailed(
            message,
            hint="check the API: os2 doctor",
            code="toolbox_refused",
            details=details,
        )

    def json(self, method: str, path: str, doing: str, **content: Any) -> Mapping[str, Any]:
        """Send a request and return the JSON object of its answer."""
        return json_object(self.request(method, path, doing, **content), doing)


def json_object(answer: httpx.Response, doing: str) -> Mapping[str, Any]:
    """Return the JSON object of an answer; raises ``OperationFailed`` if it is anything else."""
    try:
        data = parse_json(answer.content)
    except ValueError as error:
        raise invalid_answer(doing, "it is not JSON") from error
    if not isinstance(data, dict):
        raise invalid_answer(doing, "it is not an object")
    return data


def foreign(doing: str, kind: str, wanted: str) -> Unreachable:
    """Return the error for a success from something between here and the toolbox."""
    return Unreachable(
        f"{doing} failed: invalid answer from Daytona (it is {kind or 'of no type'}, not {wanted})",
        hint="retry; check the API: os2 doctor",
        code="answer_invalid",
        transient=True,
    )
