"""The one way in which the page changes something: as a job, by the commands' own use cases.

Each has the name of its procedure, and an input under the names of the command's options. The
values of variables are in neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from os2cli.app.session import Session
from os2cli.core.progress import Progress
from os2cli.ui.jobs.job import Job, Outcome
from os2cli.ui.site import Site, wants_json

# What analytics call the page.
SURFACE = "ui"


@dataclass(frozen=True)
class Mutation:
    """What is to be changed: by ``work``, which gets a session and its progress.

    ``input`` are the command's options that were given, without secrets. ``subject`` is the machine
    or the image that it is about, ``command`` what does the same on the command line.
    """

    procedure: str
    title: str
    work: Callable[[Session, Progress], Outcome]
    input: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    command: str = ""


def begin(site: Site, mutation: Mutation) -> Job:
    """Start a job for it."""
    job = Job(mutation.procedure, mutation.title, mutation.subject, mutation.command)

    def work(progress: Progress) -> Outcome:
        session = site.context.session(progress.notice)
        try:
            with session.analytics.tracked(mutation.procedure, mutation.input, surface=SURFACE):
                return mutation.work(session, progress)
        finally:
            site.invalidate()

    return site.jobs.start(job, work)


def job_answer(request: Request, job: Job) -> Response:
    """Where the job is watched."""
    if wants_json(request):
        told = {"id": job.id, "url": f"/jobs/{job.id}", "title": job.title}
        return JSONResponse({"job": told}, 202)
    return RedirectResponse(f"/jobs/{job.id}", 303)
