"""The toolbox: the API inside a sandbox, for programs, files and logs."""

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
# Uploads and downloads may take long, but not be silent for longer.
SILENCE_SECONDS = 60.0
# For rolling back while the user waits for the command to end.
UNDO_SECONDS = 2.0
TIMED_OUT = 408


class Toolbox:
    """The toolbox of one running sandbox."""

    def __init__(self, client: DaytonaClient, sandbox: SandboxAnswer, machine: str) -> None:
        self.client = client
        self.machine = machine
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

    def request(self, method: str, path: str, doing: str, **content: Any) -> httpx.Response:
        """Send one request and return its response, a success.

        Raises:
            Conflict: the sandbox is not running.
            NotAuthorised: the API key lacks a permission.
            NotFound: the sandbox does not exist, or the path in it.
            OperationFailed: it was rejected; ``details`` holds the status.
            Unreachable: it got no response, or one that is worth a retry.
        """
        content.setdefault("timeout", httpx.Timeout(REQUEST_SECONDS))
        try:
            answer = self.http.request(method, f"{self.url}{path}", **content)
        # ValueError: an invalid host name.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._no_answer(doing, error) from error
        if answer.is_success:
            return answer
        answer.read()
        raise self._response_error(doing, answer)

    def _no_answer(self, doing: str, error: Exception) -> Unreachable:
        return self.client.connection_error(
            doing, self.url, error, hint="retry; check the API: os2 doctor"
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
                hint="use another API key; see its permissions: os2 doctor",
                code="not_permitted",
                details=details,
            )
        if status in (TOO_MANY, TIMED_OUT, *PASSING):
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
        """Send one request and return the JSON object of its answer."""
        answer = self.request(method, path, doing, **content)
        try:
            data = answer.json()
        except (ValueError, RecursionError) as error:
            raise invalid_answer(doing, "it is not JSON") from error
        if not isinstance(data, dict):
            raise invalid_answer(doing, "it is not an object")
        return data

    def upload(self, content: BinaryIO, path: str, doing: str) -> None:
        """Write a file in the sandbox, streamed from ``content``."""
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
        """Yield the content of a file, in chunks."""
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
        """Remove a temporary file; ignore failures."""
        with suppress(Os2Error):
            self.request(
                "DELETE", "/files", "removing a file", params={"path": path}, timeout=UNDO_SECONDS
            )
