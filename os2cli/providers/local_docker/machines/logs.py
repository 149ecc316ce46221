"""The log of a container."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from os2cli.core.cancellation import ended_by
from os2cli.core.models import LogRequest
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.service_log import split_lines


def container_log(engine: Engine, container: str, request: LogRequest) -> Iterator[str]:
    """Yield the output of the first process and of services without their own log."""
    options: dict[str, Any] = {"tail": "all" if request.tail is None else request.tail}
    if request.since is not None:
        # The SDK ignores 0.
        options["since"] = max(request.since.timestamp(), 1.0)
    with engine.errors("reading a machine's log"):
        if not request.follow:
            yield from split_lines([engine.client.logs(container, **options)])
            return
        # A log may stay silent: the deadline of other requests does not apply.
        answer = engine.client.logs(container, stream=True, follow=True, **options)
        with closing(answer), ended_by(answer.close):
            yield from split_lines(answer)
