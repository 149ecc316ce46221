"""The toolbox: the API inside a sandbox, for programs, files and logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import httpx

from os2cli.core.errors import (
    NotAuthorised,
    NotFound,
    OperationFailed,
    Os2Error,
    Unreachable,
)
from os2cli.core.models import MachineState
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
# Uploads and downloads may take long, but not be silent for longer.
SILENCE_SECONDS = 60.0
# For rolling back while the user waits for the command to end.
UNDO_SECONDS = 2.0
PARTIAL, TIMED_OUT, BEYOND_END = 206, 408, 416
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
        if isinstance(failure, WayBlocked):
            raise failure
        self.toolbox.require_running()
        now = self.clock.now()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since >= SILENT_SECONDS:
            raise failure
        self._failures += 1
        requested = float(failure.details.get("retry_after_seconds", 0))
        self.clock.sleep(max(requested, min(pause(self._failures), LONGEST_PAUSE_SECONDS)))

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
        self.url = f"{sandbox.toolbox_url.rstrip('/')}/{sandbox.id}"

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
        """Send a request once; raises as ``request`` does, but for ``Conflict``."""
        content.setdefault("timeout", httpx.Timeout(REQUEST_SECONDS))
        try:
            answer = self.http.request(method, f"{self.url}{path}", headers=self.headers, **content)
        # ValueError: an invalid host name.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self.no_answer(doing, error) from error
        if answer.is_success:
            return answer
        raise self._response_error(doing, answer)

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

    def upload(self, content: bytes, path: str, doing: str) -> None:
        """Write a file in the sandbox."""
        self.request(
            "POST",
            "/files/upload",
            doing,
            params={"path": path},
            files={"file": ("file", content, "application/octet-stream")},
            timeout=httpx.Timeout(SILENCE_SECONDS),
        )

    def download(self, path: str, doing: str, start: int = 0) -> Iterator[bytes]:
        """Yield a file from its byte ``start`` on; nothing if it is not longer.

        Raises as ``request`` does, also after a part of it: a later call gets the rest.
        """
        headers = {**self.headers, "Accept-Encoding": "identity", "Range": f"bytes={start}-"}
        try:
            with self.http.stream(
                "GET",
                f"{self.url}/files/download",
                params={"path": path},
                headers=headers,
                timeout=httpx.Timeout(SILENCE_SECONDS),
            ) as answer:
                if answer.status_code == BEYOND_END:
                    return
                if not answer.is_success:
                    answer.read()
                    error = self._response_error(doing, answer)
                    if not isinstance(error, NotFound | Unreachable):
                        self.require_running()
                    raise error
                # A server that ignores ranges sends all of it.
                skipped = 0 if answer.status_code == PARTIAL else start
                for data in answer.iter_raw():
                    yield data[skipped:]
                    skipped = max(skipped - len(data), 0)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self.no_answer(doing, error) from error


def json_object(answer: httpx.Response, doing: str) -> Mapping[str, Any]:
    """Return the JSON object of an answer; raises ``OperationFailed`` if it is anything else."""
    try:
        data = answer.json()
    except (ValueError, RecursionError) as error:
        raise invalid_answer(doing, "it is not JSON") from error
    if not isinstance(data, dict):
        raise invalid_answer(doing, "it is not an object")
    return data
