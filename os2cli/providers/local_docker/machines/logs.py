"""The log of a container."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from docker.errors import NotFound

from os2cli.core.cancellation import ended_by
from os2cli.core.deadline import within
from os2cli.core.errors import OperationFailed
from os2cli.core.models import LogRequest
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.log_lines import split_lines

# A log may end a moment before the engine says that the container has.
END_SECONDS = 2.0
POLL_SECONDS = 0.1
# A log that is not followed is a question. Engines read long ones from slow disks.
SILENT_SECONDS = 60.0


def container_log(engine: Engine, container: str, request: LogRequest) -> Iterator[str]:
    """Yield the output of the first process and of services without their own log, as it comes."""
    options: dict[str, Any] = {
        "tail": "all" if request.tail is None else request.tail,
        "follow": request.follow,
    }
    if request.since is not None:
        # The SDK ignores 0.
        options["since"] = max(request.since.timestamp(), 1.0)
    with engine.errors("reading a machine's log"):
        start = _start_of_run(engine, container) if request.follow else None
        answer: Any = engine.client.logs(container, stream=True, **options)
        # The SDK's stream ends the connection, but leaves the response open.
        with closing(answer._response), closing(answer), ended_by(answer.close):
            yield from split_lines(answer if request.follow else _at_once(answer))
        if request.follow:
            _check_ended(engine, container, start)


def _at_once(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what has been written already, for which an engine needs no time."""
    while True:
        with within(SILENT_SECONDS):
            if (chunk := next(chunks, None)) is None:
                return
        yield chunk


def _start_of_run(engine: Engine, container: str) -> str | None:
    """Return when a container was started, as the engine writes it; None if it is not running."""
    try:
        state = engine.client.inspect_container(container)["State"]
    except NotFound:
        return None
    return str(state.get("StartedAt")) if state["Status"] == "running" else None


def _check_ended(engine: Engine, container: str, start: str | None) -> None:
    """Raise if the log ended although the container goes on: the SDK tells no difference."""
    deadline = time.monotonic() + END_SECONDS
    while start is not None and _start_of_run(engine, container) == start:
        if time.monotonic() > deadline:
            raise OperationFailed(
                "following the log stopped early: the engine ended the connection",
                hint="check the engine: os2 doctor",
                code="log_unreadable",
            )
        time.sleep(POLL_SECONDS)
