"""Changes as jobs, with the use cases of the commands.

Each has a procedure and an input named like the command's options. Neither holds the values of
variables.
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

# The web UI's name in analytics.
SURFACE = "ui"


@dataclass(frozen=True)
class Mutation:
    """A change that ``work`` makes with a session and a progress display.

    ``input`` holds the command's options without secrets, ``subject`` names the machine or image,
    ``command`` is the equivalent command line.
    """

    procedure: str
    title: str
    work: Callable[[Session, Progress], Outcome]
    input: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    command: str = ""


def begin(site: Site, mutation: Mutation) -> Job:
    """Start a job for a change."""
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
    """Return where the page follows the job."""
    if wants_json(request):
        document = {"id": job.id, "url": job.url, "title": job.title}
        return JSONResponse({"job": document}, 202)
    return RedirectResponse(job.url, 303)
