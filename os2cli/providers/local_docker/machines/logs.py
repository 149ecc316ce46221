"""The lines that a container wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from os2cli.core.cancellation import ended_by
from os2cli.core.models import LogRequest
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.service_log import split_lines


def container_log(engine: Engine, container: str, request: LogRequest) -> Iterator[str]:
    """What the first process and the services without a log of their own wrote."""
    options: dict[str, Any] = {"tail": "all" if request.tail is None else request.tail}
    if request.since is not None:
        # 0 would mean nothing to the SDK, and there was no container before.
        options["since"] = max(request.since.timestamp(), 1.0)
    with engine.errors("reading a machine's log"):
        if not request.follow:
            yield from split_lines([engine.client.logs(container, **options)])
            return
        # Silence may last: the deadline of other requests is not for this one.
        answer = engine.client.logs(container, stream=True, follow=True, **options)
        with closing(answer), ended_by(answer.close):
            yield from split_lines(answer)
