"""The process that delivers the spool: ``python -m os2cli.analytics.delivery``, job on stdin.

It inherits the lock of its starter and works until the spool is empty. After releasing the lock it
looks once more, since a command that came meanwhile found the lock taken. A file is removed once
PostHog accepted its event.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from os2cli.analytics.deliveries import (
    NotTaken,
    Refused,
    add_delivered,
    load_attempts,
    save_attempts,
)
from os2cli.analytics.recording import spool_of
from os2cli.analytics.sending import try_lock
from os2cli.analytics.spool import take

if TYPE_CHECKING:
    from os2cli.analytics.posthog_sdk import Project

BATCH = 100
DEADLINE_SECONDS = 30
_CLEAN_UP_SECONDS = 5
_NICENESS = 10
_MAX_MEMORY = 1024**3


@dataclass(frozen=True, slots=True)
class Job:
    """The starter's order; ``lock`` is the file descriptor of the lock that it took."""

    key: str
    host: str
    target: str
    folder: str
    lock: int


class OutOfTime(BaseException):
    """The deadline passed; not an ``Exception``, so that no library swallows it."""


def main() -> None:
    """Do the job on stdin."""
    job = Job(**json.load(sys.stdin))
    limit_itself()
    try:
        deliver(job)
    except OutOfTime:
        signal.alarm(_CLEAN_UP_SECONDS)
        failing(job, "timed out")


def limit_itself() -> None:
    """Limit priority, run time and memory: a hostile response must not exhaust the host."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    with suppress(OSError):
        os.nice(_NICENESS)
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(DEADLINE_SECONDS)


def out_of_time(signum: int, frame: FrameType | None) -> None:
    """Raise ``OutOfTime``; the next alarm ends the process."""
    del signum, frame
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    raise OutOfTime


def deliver(job: Job) -> None:
    """Deliver until the spool is empty or a delivery fails."""
    # Only under the limits of this process: the SDK takes half a second to load.
    from os2cli.analytics.posthog_sdk import Project

    spool = spool_of(Path(job.folder))
    spool.sweep()
    spool.trim()
    project = Project(job.key, job.host)
    while True:
        try:
            while batch := spool.waiting(job.target)[:BATCH]:
                deliver_batch(job, project, batch)
        except NotTaken as error:
            failing(job, str(error))
            return
        fcntl.flock(job.lock, fcntl.LOCK_UN)
        if not spool.waiting(job.target) or not try_lock(job.lock):
            return


def deliver_batch(job: Job, project: Project, batch: Sequence[Path]) -> None:
    """Deliver the events in these files; an event that PostHog never accepts is dropped."""
    messages: dict[Path, dict[str, Any]] = {}
    for path in batch:
        event = take(path)
        message = project.message(event) if event is not None else None
        if message is None:
            path.unlink(missing_ok=True)
        else:
            messages[path] = message
    if not messages:
        return
    try:
        project.post(list(messages.values()))
    except Refused:
        if len(messages) > 1:
            for path in messages:
                deliver_batch(job, project, [path])
            return
    else:
        taken(job, list(messages.values()))
    for path in messages:
        path.unlink(missing_ok=True)


def taken(job: Job, messages: Sequence[dict[str, Any]]) -> None:
    """Record a delivery and its messages, for ``os2 analytics show``."""
    folder = Path(job.folder)
    with suppress(OSError):
        add_delivered(folder, messages)
        save_attempts(folder, load_attempts(folder, job.target).succeeded())


def failing(job: Job, why: str) -> None:
    """Record a failure, so that later commands wait before they retry."""
    folder = Path(job.folder)
    with suppress(OSError):
        save_attempts(folder, load_attempts(folder, job.target).failing(why))


if __name__ == "__main__":
    main()
