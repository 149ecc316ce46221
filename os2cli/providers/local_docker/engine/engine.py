"""A connection to the engine, and its failures as ``Os2Error``."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from functools import partial

from docker.errors import StreamParseError

from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.answers import InvalidAnswer
from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.engine.connection import connect
from os2cli.providers.local_docker.engine.failures import (
    disk_full,
    explanation,
    is_disk_full,
    sdk_errors,
)
from os2cli.providers.local_docker.engine.listener import check_listener
from os2cli.providers.local_docker.engine.unreachable import explain_unreachable

_CHECK = "check the engine: os2 doctor"


class Engine:
    """One engine, with a connection per thread: the SDK's is not thread-safe."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._local = threading.local()

    @property
    def client(self) -> EngineClient:
        """This thread's connection, opened on first use."""
        # The listener may have changed since the connection was opened, and would get the next one.
        check_listener(self.endpoint)
        client: EngineClient | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = connect(self.endpoint)
        return client

    def errors(self, doing: str) -> AbstractContextManager[None]:
        """Turn errors of the SDK in the block into an ``Os2Error`` about ``doing``."""
        return sdk_errors(
            refused=partial(explain_refusal, doing),
            lost=partial(explain_unreachable, self.endpoint, met=True),
        )


def explain_refusal(doing: str, error: Exception) -> Os2Error:
    """Return the failure for a request that the engine or the SDK rejected."""
    if isinstance(error, InvalidAnswer | StreamParseError):
        return OperationFailed(
            f"{doing} failed: the engine's answer is invalid: {error}",
            hint="retry; if it fails again, check the engine: os2 doctor",
            code="engine_answer_invalid",
        )
    status = getattr(error, "status_code", None)
    message = explanation(error) or f"the engine returned {status}"
    if is_disk_full(message):
        return disk_full(f"{doing} failed")
    if status == 404:
        return NotFound(
            f"{doing} failed: {message}",
            hint="another process may have removed it: os2 machine list",
        )
    if status == 409:
        return Conflict(
            f"{doing} failed: {message}",
            hint="another process is changing it: retry",
        )
    return OperationFailed(f"{doing} failed: {message}", hint=_CHECK)
