"""The log of a command of a session, the entrypoint's included, in each of its forms."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing

import httpx

from os2cli.core.deadline import within
from os2cli.core.errors import NotAuthorised, NotFound, OperationFailed, Unreachable
from os2cli.host.network.bounded import AnswerTooLarge, paced, read_whole
from os2cli.providers.daytona.api.answers import ANSWER_BYTES
from os2cli.providers.daytona.api.errors import invalid_answer, is_json, is_page
from os2cli.providers.daytona.machines.toolbox import (
    REQUEST_SECONDS,
    Patience,
    Toolbox,
    foreign,
    json_object,
)
from os2cli.providers.log_lines import split_lines

# A log that is large comes over a slow line, but does not grow for all time.
LOG_SECONDS = 600.0
# Before each line, for stdout and stderr.
MARKS = re.compile(r"\x01{3}|\x02{3}")


def session_lines(
    toolbox: Toolbox,
    path: str,
    doing: str,
    *,
    seconds: float = REQUEST_SECONDS,
    retry: bool = True,
) -> Iterator[str]:
    """Yield the lines of a log so far as they come, without marks and secrets.

    Raises as ``Toolbox.request`` does; ``seconds`` are for the first of it.
    """
    patience = Patience(toolbox)
    while True:
        has_begun = False
        try:
            with closing(_lines(toolbox, path, doing, seconds)) as lines:
                for line in lines:
                    has_begun = True
                    yield toolbox.client.redact(MARKS.sub("", line))
        except Unreachable as failure:
            # The rest can't be asked for: the log comes from its beginning.
            if not retry or has_begun:
                raise
            patience.after(failure)
        except (NotAuthorised, NotFound, OperationFailed) as error:
            # What the proxy says of a sandbox that has stopped depends on how far it has.
            if "status" in error.details:
                toolbox.require_running()
            raise
        else:
            return


def _lines(toolbox: Toolbox, path: str, doing: str, seconds: float) -> Generator[str]:
    with toolbox.opened("GET", path, doing, seconds=seconds) as answer:
        if is_page(answer):
            raise foreign(doing, answer.headers["content-type"], "the log")
        pieces = (
            [_from_json(answer, doing)]
            if is_json(answer)
            else paced(answer, answer.iter_bytes(), LOG_SECONDS)
        )
        yield from split_lines(pieces)


def _from_json(answer: httpx.Response, doing: str) -> bytes:
    """Return the log in an answer that has both streams, and holds it as a whole."""
    try:
        with within(LOG_SECONDS):
            data = json_object(read_whole(answer, ANSWER_BYTES), doing)
    except AnswerTooLarge as error:
        raise invalid_answer(doing, str(error)) from error
    text = data.get("output") or f"{data.get('stdout') or ''}{data.get('stderr') or ''}"
    return str(text).encode(errors="replace")
