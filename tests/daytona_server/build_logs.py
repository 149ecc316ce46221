"""The logs of remote builds: one file per build hash, only ever appended to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from tests.daytona_server.state import World

POLL_SECONDS = 0.02


class BuildLog:
    """What the builds of one hash have written; engine threads write, streams read.

    ``succeeded`` is what lets a stream end: after a failed build it never does.
    """

    def __init__(self) -> None:
        self.text = ""
        self.succeeded = False

    def write(self, line: str) -> None:
        """Append a line."""
        self.text += line + "\n"


def log_response(world: World, request: Request, log: BuildLog, *, follow: bool) -> Response:
    """Return the log, or a stream of it until the build has succeeded."""
    if not follow:
        return Response(log.text, media_type="text/plain")
    return StreamingResponse(_lines(world, request, log), media_type="text/plain")


async def _lines(world: World, request: Request, log: BuildLog) -> AsyncIterator[str]:
    sent = 0
    while not world.closing.is_set():
        # Asked for before the text is read, so that nothing written in between is left out.
        over = log.succeeded
        text = log.text
        if len(text) > sent:
            yield text[sent:]
            sent = len(text)
        if over or await request.is_disconnected():
            return
        await world.pause(POLL_SECONDS)
