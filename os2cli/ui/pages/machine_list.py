"""The list of machines."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from os2cli.ui.addresses import subject_of
from os2cli.ui.fleet_poller import FleetView
from os2cli.ui.jobs.job import Job
from os2cli.ui.pages.builds import IMAGE
from os2cli.ui.site import Site, site_of, threaded

# The first page must render at once; refreshes may wait for slow providers.
FIRST_SECONDS, REFRESH_SECONDS = 0.6, 1.5


async def list_machines(request: Request) -> Response:
    """Show the machines of this host and of the stage; with ``part`` only the list."""
    site = site_of(request)
    part = "part" in request.query_params
    everywhere = "all" in request.query_params
    timeout = REFRESH_SECONDS if part else FIRST_SECONDS
    view = await threaded(site.fleet.view, timeout, all_stages=everywhere)
    values: dict[str, Any] = {
        "view": view,
        "jobs": jobs_of(site, view),
        "creations": creations(site, view),
        "image_job": site.jobs.latest(IMAGE),
        "remark": site.context.remark,
        "everywhere": everywhere,
    }
    if part:
        return site.part("machines/list.html", **values)
    return await site.show(request, "machines/page.html", title="Machines", **values)


def jobs_of(site: Site, view: FleetView) -> dict[str, Job]:
    """Return the running jobs about listed machines, by machine id."""
    jobs = {machine.id: site.jobs.about(subject_of(machine)) for machine in view.machines}
    return {id_: job for id_, job in jobs.items() if job is not None}


def creations(site: Site, view: FleetView) -> list[Job]:
    """Return the jobs that create machines which are not listed yet."""
    known = {subject_of(machine) for machine in view.machines}
    running = site.jobs.running()
    return [j for j in running if j.procedure == "machine.create" and j.subject not in known]


ROUTES = [Route("/machines", list_machines)]
