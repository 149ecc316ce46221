"""The form for a new machine, the preview of its source, and the creation."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from os2cli.app.machine_options import Creation, MachineOptions, reject_unsupported, validate
from os2cli.app.session import Session
from os2cli.core.errors import Os2Error, UsageError
from os2cli.core.models import LOCAL_DOCKER, MachineType
from os2cli.core.progress import Progress
from os2cli.providers.entry import ProviderEntry, entries, parse_type
from os2cli.ui.addresses import machine_path, subject
from os2cli.ui.jobs.job import Outcome
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
        chosen=chosen,
        options=entries()[chosen].options,
        snapshot=request.query_params.get("snapshot", ""),
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
        wish = read_wish(Fields(form), site.context.stage)
    mutation = await threaded(_mutation, wish, site.context.session())
    return job_answer(request, begin(site, mutation))


@dataclass(frozen=True)
class CreateForm:
    """What the form said."""

    given: MachineOptions
    entry: ProviderEntry
    timeout: float | None
    no_wait: bool


def read_wish(fields: Fields, stage: str | None) -> CreateForm:
    """Read the form; raises ``UsageError`` as the command line does."""
    entry = entries()[_type(fields.text("type"))]
    given = MachineOptions(
        name=fields.text("name"),
        count=fields.whole("count", 1, 100) or 1,
        env=fields.pairs("env"),
        env_files=[],
        labels=fields.pairs("label") or None,
        snapshot=fields.text("snapshot"),
        stage=fields.text("stage") or stage,
        ttl=fields.text("ttl"),
        port=fields.whole("port", 1, 65535),
        cpu=fields.number("cpu", 0.01),
        memory=fields.text("memory"),
        mount_repo=fields.flag("mount_repo"),
        build=fields.flag("build"),
        allow_secrets=fields.flag("allow_secrets"),
        docker_host=None,
        public=fields.flag("public"),
        auto_stop=fields.text("auto_stop"),
        auto_archive=fields.text("auto_archive"),
        auto_delete=fields.text("auto_delete"),
        no_cache=fields.flag("no_cache"),
    )
    reject_unsupported(given, entry)
    return CreateForm(given, entry, fields.number("timeout", 0.1), fields.flag("no_wait"))


def _mutation(wish: CreateForm, session: Session) -> Mutation:
    """The job, once what can be told beforehand has been: at its field, not in the job."""
    given, entry = wish.given, wish.entry
    validate(given)
    if wish.no_wait and wish.timeout is not None:
        raise UsageError(
            "--timeout contradicts that nobody waits",
            hint="leave one of them out",
            code="option_invalid",
        )
    stage = session.remote_stage(given.stage).name if entry.shared else None
    name = given.name or ""
    return Mutation(
        "machine.create",
        f"Create {name or 'a machine'}" if given.count == 1 else f"Create {given.count} machines",
        partial(_create, wish),
        input_of(wish),
        subject(entry.type, stage, name),
        command_of(wish),
    )


def _create(wish: CreateForm, session: Session, progress: Progress) -> Outcome:
    seconds = None if wish.no_wait else wish.timeout or session.settings.timeout_seconds
    made = Creation(session, wish.given, wish.entry, seconds, progress).run()
    links = [(f"Show {machine.name}", machine_path(machine)) for machine in made]
    if len(made) == 1:
        links.insert(0, (f"Open {made[0].name}", machine_path(made[0], "/open")))
    text = ", ".join(machine.name for machine in made)
    return Outcome(f"{text} {'is' if len(made) == 1 else 'are'} running", tuple(links))


def input_of(wish: CreateForm) -> dict[str, object]:
    """What was given, under the names of the options; of variables and labels only the names."""
    given = wish.given
    told: dict[str, object] = {"type_": wish.entry.type}
    for name in MachineOptions.__slots__:
        value = getattr(given, name)
        if value in (None, False, []) or (name == "count" and value == 1):
            continue
        told[name] = [_key(pair) for pair in value] if name in ("env", "labels") else value
    return (
        told
        | ({"timeout": wish.timeout} if wish.timeout else {})
        | ({"no_wait": True} if wish.no_wait else {})
    )


def command_of(wish: CreateForm) -> str:
    """The command line that does the same, with the names of variables alone."""
    words = ["os2 machine create", *([wish.given.name] if wish.given.name else [])]
    flags = {"env": "-e", "labels": "--label"}
    for name, value in input_of(wish).items():
        option = flags.get(name, f"--{name.rstrip('_').replace('_', '-')}")
        if name == "name":
            continue
        if isinstance(value, list):
            words += [f"{option} {shlex.quote(str(item))}" for item in value]
        else:
            words.append(option if value is True else f"{option} {shlex.quote(str(value))}")
    return " ".join(words)


def _key(pair: str) -> str:
    return pair.partition("=")[0]


ROUTES = [
    Route("/machines/new", new_machine),
    Route("/machines/preview", preview),
    Route("/machines", create, methods=["POST"]),
]
