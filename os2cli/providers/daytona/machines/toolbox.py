"""Inside a sandbox: programs, files and logs, through the API that runs in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, BinaryIO

import httpx

from os2cli.core.errors import (
    Conflict,
    NotAuthorised,
    NotFound,
    OperationFailed,
    Os2Error,
    Unreachable,
)
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.errors import invalid_answer, status_line
from os2cli.providers.daytona.api.retry import PASSING, TOO_MANY
from os2cli.providers.daytona.api.wire import SandboxAnswer

REQUEST_SECONDS = 30.0
# An upload or a download may take long; silence in it may not.
SILENCE_SECONDS = 60.0
# For undoing while somebody waits for the command to end.
UNDO_SECONDS = 2.0
TIMED_OUT = 408


class Toolbox:
    """The API of one sandbox that runs."""

    def __init__(self, client: DaytonaClient, sandbox: SandboxAnswer, machine: str) -> None:
        self.client = client
        self.machine = machine
        if not sandbox.toolbox_url:
            raise OperationFailed(
                f"Daytona does not say where the inside of machine {machine} is reached",
                hint="os2 doctor looks at the API",
                code="answer_invalid",
            )
        self.url = f"{sandbox.toolbox_url.rstrip('/')}/{sandbox.id}"

    @cached_property
    def http(self) -> httpx.Client:
        """Connections that may carry the key there."""
        return self.client.connections_for(self.url)

    def request(self, method: str, path: str, doing: str, **content: Any) -> httpx.Response:
        """One request; raises what its failure means.

        Raises:
            Conflict: the sandbox does not run.
            NotAuthorised: the key may not do that.
            NotFound: the sandbox, or what was asked about in it, is not there.
            OperationFailed: it was refused; ``details`` holds the status.
            Unreachable: no answer came, or one that another try may not get.
        """
        content.setdefault("timeout", httpx.Timeout(REQUEST_SECONDS))
        try:
            answer = self.http.request(method, f"{self.url}{path}", **content)
        # ValueError: no host can have such a name.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._no_answer(doing, error) from error
        if answer.is_success:
            return answer
        answer.read()
        raise self._response_error(doing, answer)

    def _no_answer(self, doing: str, error: Exception) -> Unreachable:
        return Unreachable(
            self.client.redact(f"{doing} failed: {type(error).__name__}: {error}"),
            hint="try again; os2 doctor looks at the API",
        )

    def _response_error(self, doing: str, answer: httpx.Response) -> Os2Error:
        status, words = answer.status_code, self.client.error_message(answer)
        message, details = f"{doing} failed: {status_line(status, words)}", {"status": status}
        if "not running" in words.lower():
            return Conflict(
                f"machine {self.machine} is not running: {words}",
                hint=f"start it: os2 machine start {self.machine}",
                code="machine_not_running",
            )
        if status in (401, 403):
            return NotAuthorised(
                message,
                hint="the key may not do that in this machine; os2 doctor shows what it may",
                code="not_permitted",
                details=details,
            )
        if status in (TOO_MANY, TIMED_OUT, *PASSING):
            return Unreachable(
                message, hint="try again in a minute; os2 doctor looks at the API", details=details
            )
        if status == 404:
            return NotFound(
                message, hint="os2 machine list shows the machines that exist", details=details
            )
        return OperationFailed(
            message,
            hint="this is what Daytona says; os2 doctor looks at the API",
            code="toolbox_refused",
            details=details,
        )

    def json(self, method: str, path: str, doing: str, **content: Any) -> Mapping[str, Any]:
        """The object that a request is answered with."""
        answer = self.request(method, path, doing, **content)
        try:
            data = answer.json()
        except (ValueError, RecursionError) as error:
            raise invalid_answer(doing, "it is not JSON") from error
        if not isinstance(data, dict):
            raise invalid_answer(doing, "it is no object")
        return data

    def upload(self, content: BinaryIO, path: str, doing: str) -> None:
        """Write a file, streamed from where it is."""
        self.request(
            "POST",
            "/files/upload",
            doing,
            params={"path": path},
            files={"file": ("file", content, "application/octet-stream")},
            timeout=httpx.Timeout(SILENCE_SECONDS),
        )

    @contextmanager
    def download(self, path: str, doing: str) -> Iterator[Iterator[bytes]]:
        """The content of a file, in pieces."""
        try:
            with self.http.stream(
                "GET",
                f"{self.url}/files/download",
                params={"path": path},
                timeout=httpx.Timeout(SILENCE_SECONDS),
            ) as answer:
                if not answer.is_success:
                    answer.read()
                    raise self._response_error(doing, answer)
                yield answer.iter_bytes()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._no_answer(doing, error) from error

    def forget(self, path: str) -> None:
        """Remove a file of ours, if that can be."""
        with suppress(Os2Error):
            self.request(
                "DELETE", "/files", "removing a file", params={"path": path}, timeout=UNDO_SECONDS
            )
