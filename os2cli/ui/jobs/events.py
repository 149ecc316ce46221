"""Server-sent events, which also catch up a browser that was disconnected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse

from os2cli.ui.jobs.job import Job

HEARTBEAT_SECONDS = 15.0
# When a browser reconnects after a lost connection.
RETRY_MILLISECONDS = 1_000


def event(kind: str, data: Any, number: int | None = None) -> str:
    """Format an event for the wire."""
    id_ = f"id: {number}\n" if number is not None else ""
    return f"{id_}event: {kind}\ndata: {json.dumps(data)}\n\n"


def event_stream(events: AsyncIterator[str]) -> StreamingResponse:
    """Return the response that streams events."""
    return StreamingResponse(events, media_type="text/event-stream")


def last_seen(request: Request) -> int:
    """Return the number of the last event the browser has, -1 for none.

    The page passes it first as a parameter; a reconnecting browser sends the header.
    """
    text = request.headers.get("last-event-id") or request.query_params.get("after") or ""
    return int(text) if text.isdecimal() and len(text) < 12 else -1


async def job_events(job: Job, seen: int, closing: Callable[[], bool]) -> AsyncIterator[str]:
    """Yield a job's events after ``seen`` until its end."""
    yield f"retry: {RETRY_MILLISECONDS}\n\n"
    with job.notifier.subscribed() as event_:
        while True:
            event_.clear()
            events = job.record.since(seen) if seen >= 0 else None
            if events is None:
                everything = {**job.record.all(), **job.as_dict()}
                seen = everything["count"]
                yield event("everything", everything, seen)
                if job.ended.is_set():
                    yield event("end", job.as_dict(), seen)
                    return
                continue
            for number, kind, data in events:
                seen = number
                yield event(kind, data, number)
            if job.ended.is_set() and not job.record.since(seen):
                if not any(kind == "end" for _, kind, _ in events):
                    yield event("end", job.as_dict(), seen)
                return
            if closing() and job.ended.is_set():
                return
            if not await is_set_within(event_):
                yield ": heartbeat\n\n"


async def is_set_within(event_: asyncio.Event, seconds: float = HEARTBEAT_SECONDS) -> bool:
    """Return whether the event is set within ``seconds``."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event_.wait(), seconds)
    return event_.is_set()
