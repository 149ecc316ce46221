"""The pages of one job and of all jobs."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from os2cli.ui.jobs.events import event_stream, job_events, last_seen
from os2cli.ui.jobs.job import Job
from os2cli.ui.site import site_of, wants_json


def _job(request: Request) -> Job:
    job = site_of(request).jobs.get(request.path_params["id"])
    if job is None:
        raise HTTPException(404)
    return job


async def list_jobs(request: Request) -> Response:
    """Show running and recent jobs; with ``part`` only the list."""
    site = site_of(request)
    jobs = site.jobs.all()
    if "part" in request.query_params:
        return site.part("jobs/list.html", jobs=jobs)
    return await site.show(request, "jobs/list_page.html", title="Activity", jobs=jobs)


async def show_job(request: Request) -> Response:
    """Show a job; for scripts only its state."""
    job = _job(request)
    if wants_json(request):
        return JSONResponse({"title": job.title, **job.as_dict()})
    # The record first: an event in between is shown twice rather than lost.
    record = job.record.all()
    return await site_of(request).show(
        request, "jobs/page.html", title=job.title, job=job, record=record, state=job.as_dict()
    )


async def events(request: Request) -> Response:
    """Stream the events of a job."""
    job, jobs = _job(request), site_of(request).jobs
    return event_stream(job_events(job, last_seen(request), lambda: jobs.closed))


async def cancel(request: Request) -> Response:
    """Cancel a job."""
    job = _job(request)
    job.cancel()
    if wants_json(request):
        return JSONResponse(job.as_dict(), 202)
    return RedirectResponse(job.url, 303)


ROUTES = [
    Route("/jobs", list_jobs),
    Route("/jobs/{id}", show_job),
    Route("/jobs/{id}/events", events),
    Route("/jobs/{id}/cancel", cancel, methods=["POST"]),
]
