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

# The first page is to be there at once; what looks again may wait for who is slow.
FIRST_SECONDS, AGAIN_SECONDS = 0.6, 1.5


async def list_machines(request: Request) -> Response:
    """The machines of this host and, on Daytona, of the stage; with `part` only what changes."""
    site = site_of(request)
    part = "part" in request.query_params
    everywhere = "all" in request.query_params
    timeout = AGAIN_SECONDS if part else FIRST_SECONDS
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
    """The jobs that are at work on machines of the list, by the machine's id."""
    found = {machine.id: site.jobs.about(subject_of(machine)) for machine in view.machines}
    return {id_: job for id_, job in found.items() if job is not None}


def creations(site: Site, view: FleetView) -> list[Job]:
    """The jobs that make a machine which is in no list yet."""
    known = {subject_of(machine) for machine in view.machines}
    running = site.jobs.running()
    return [j for j in running if j.procedure == "machine.create" and j.subject not in known]


ROUTES = [Route("/machines", list_machines)]
