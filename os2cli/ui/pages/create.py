"""Creating a machine: the form, the preview of its source, and the job."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from os2cli.app.machine_creation import Creation, reject_unusable, validate
from os2cli.app.machine_options import MachineOptions
from os2cli.app.session import Session
from os2cli.core.errors import Os2Error
from os2cli.core.models import LOCAL_DOCKER, MachineType
from os2cli.core.progress import Progress
from os2cli.providers.entry import entries, parse_type
from os2cli.ui.addresses import machine_path, subject
from os2cli.ui.jobs.job import Outcome
from os2cli.ui.pages.create_form import (
    INPUT_MODES,
    command_of,
    inputs,
    job_input,
    read_options,
    restricted_flags,
)
from os2cli.ui.pages.forms import Fields
from os2cli.ui.pages.mutations import Mutation, begin, job_answer
from os2cli.ui.pages.source_preview import SourceStatus, material_of
from os2cli.ui.site import site_of, threaded

MAX_FIELDS = 1_000


async def new_machine(request: Request) -> Response:
    """Show the form; its values stay in the browser."""
    chosen = _type(request.query_params.get("type"))
    return await site_of(request).show(
        request,
        "creating/page.html",
        title="New machine",
        types=list(entries().values()),
        chosen=entries()[chosen],
        inputs=inputs,
        restricted_flags=restricted_flags,
        input_modes=INPUT_MODES,
        filled_in={"snapshot": request.query_params.get("snapshot", "")},
    )


def _type(text: str | None) -> MachineType:
    return parse_type(text) if text else LOCAL_DOCKER


async def preview(request: Request) -> Response:
    """Show what a machine would be created from now, and why."""
    site, query = site_of(request), request.query_params
    entry = entries()[_type(query.get("type"))]
    try:
        material = await threaded(
            material_of,
            site.workplace.session(),
            entry,
            query.get("stage") or site.workplace.stage,
            query.get("snapshot") or None,
            anew="anew" in query,
        )
    except Os2Error as error:
        what = entry.material.value
        material = SourceStatus(what, "problem", "not known", error.message, hint=error.hint)
    return site.part("creating/material.html", material=material)


async def create(request: Request) -> Response:
    """Validate the form and create the machine as a job."""
    site = site_of(request)
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        options = read_options(Fields(form), site.workplace.stage)
    mutation = await threaded(_mutation, options, site.workplace.session())
    return job_answer(request, begin(site, mutation))


def _mutation(options: MachineOptions, session: Session) -> Mutation:
    """Return the job; raise what can be known before it starts, to show it at its field."""
    reject_unusable(options)
    validate(options)
    entry = entries()[options.type_]
    stage = session.remote_stage(options.stage).name if entry.shared else None
    name = options.name or ""
    return Mutation(
        "machine.create",
        f"Create {name or 'a machine'}"
        if options.count == 1
        else f"Create {options.count} machines",
        partial(_create, options),
        job_input(options),
        subject(entry.type, stage, name),
        command_of(options),
    )


def _create(options: MachineOptions, session: Session, progress: Progress) -> Outcome:
    machines = Creation(session, options, progress).run()
    links = [(f"Show {machine.name}", machine_path(machine)) for machine in machines]
    if len(machines) == 1:
        links.insert(0, (f"Open {machines[0].name}", machine_path(machines[0], "/open")))
    text = ", ".join(machine.name for machine in machines)
    return Outcome(f"{text} {'is' if len(machines) == 1 else 'are'} running", tuple(links))


ROUTES = [
    Route("/machines/new", new_machine),
    Route("/machines/preview", preview),
    Route("/machines", create, methods=["POST"]),
]
