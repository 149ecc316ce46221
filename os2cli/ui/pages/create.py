"""The form for a new machine, the preview of its source, and the creation."""

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
from os2cli.ui.pages.source_preview import SourceStatus, source_status
from os2cli.ui.site import site_of, threaded

MAX_FIELDS = 1_000


async def new_machine(request: Request) -> Response:
    """Show the form; what is filled in stays in the browser."""
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
    """Show the source that a machine would be created from, and why."""
    site, query = site_of(request), request.query_params
    entry = entries()[_type(query.get("type"))]
    try:
        source = await threaded(
            source_status,
            site.context.session(),
            entry,
            query.get("stage") or site.context.stage,
            query.get("snapshot") or None,
            use_cache="refresh" not in query,
        )
    except Os2Error as error:
        what = entry.material.value
        source = SourceStatus(what, "problem", "not known", error.message, hint=error.hint)
    return site.part("creating/source.html", source=source)


async def create(request: Request) -> Response:
    """Check the form and start a job that creates the machine."""
    site = site_of(request)
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        options = read_options(Fields(form), site.context.stage)
    mutation = await threaded(_mutation, options, site.context.session())
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
    made = Creation(session, options, progress).run()
    links = [(f"Show {machine.name}", machine_path(machine)) for machine in made]
    if len(made) == 1:
        links.insert(0, (f"Open {made[0].name}", machine_path(made[0], "/open")))
    text = ", ".join(machine.name for machine in made)
    return Outcome(f"{text} {'is' if len(made) == 1 else 'are'} running", tuple(links))


ROUTES = [
    Route("/machines/new", new_machine),
    Route("/machines/preview", preview),
    Route("/machines", create, methods=["POST"]),
]
