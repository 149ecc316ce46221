"""The page of a machine, its actions, its log, and the redirect to its own page."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from os2cli.app.selection import is_guarded
from os2cli.app.session import Session
from os2cli.core.defaults import DAEMON_PORT, SIGNED_LINK_SECONDS
from os2cli.core.errors import NotFound, OperationFailed, UsageError
from os2cli.core.models import LogRequest, Machine, Verb
from os2cli.core.progress import Progress
from os2cli.machines.fleet import remove_located
from os2cli.machines.health import with_health
from os2cli.machines.states import Changer
from os2cli.providers.entry import entries
from os2cli.ui.addresses import REMOVE, MachineRef, machine_path, possible_verbs, subject_of
from os2cli.ui.jobs.events import event_stream
from os2cli.ui.jobs.job import Outcome
from os2cli.ui.jobs.log_events import log_events
from os2cli.ui.pages.machine_usage import show_usage
from os2cli.ui.pages.mutations import Mutation, begin, job_answer
from os2cli.ui.rendering import link
from os2cli.ui.site import Site, site_of, threaded

LOG_LINES = 500
VERBS = (*(verb.value for verb in Verb), REMOVE)


async def show_machine(request: Request) -> Response:
    """Show a machine; with ``part`` only its state."""
    site, ref = site_of(request), MachineRef(request)
    try:
        machine = await threaded(_current, site, ref)
    except NotFound:
        if "part" in request.query_params:
            return site.part("machine/gone.html", name=ref.name)
        raise
    # The fields of the log's form, for browsers without our script.
    query = request.query_params
    values: dict[str, Any] = {
        "machine": machine,
        "service": query.get("service", ""),
        "follow": "follow" in query or "service" not in query,
        "job": site.jobs.about(subject_of(machine)),
        "verbs": possible_verbs(machine),
        "guarded": is_guarded(machine),
        "commands": commands(machine),
    }
    if "part" in request.query_params:
        return site.part("machine/state.html", **values)
    return await site.show(request, "machine/page.html", title=machine.name, **values)


def _current(site: Site, ref: MachineRef) -> Machine:
    located = ref.locate(site.context.session())
    return with_health(located.provider, located.machine)


def commands(machine: Machine) -> list[tuple[str, str]]:
    """Return titles and command lines for what can be done in a terminal."""
    where = f" --type {machine.type}"
    if entries()[machine.type].shared:
        where += f" --stage {shlex.quote(machine.stage)}"
    name = machine.name
    lines = {
        "Shell": f"shell {name}{where}",
        "Run": f"exec {name}{where} -- COMMAND",
        "Logs": f"logs {name}{where} -f",
        "Copy": f"cp FILE {name}:/tmp/{where}",
        "URL": f"url {name}{where}",
    }
    return [(title, f"os2 machine {words}") for title, words in lines.items()]


async def confirm(request: Request) -> Response:
    """Ask before an action; with ``part`` for a dialog."""
    site, ref = site_of(request), MachineRef(request)
    verb = _verb(request)
    located = await threaded(lambda: ref.locate(site.context.session()))
    values: dict[str, Any] = {
        "machine": located.machine,
        "verb": verb,
        "guarded": is_guarded(located.machine),
        "action": f"{site.base}{machine_path(located.machine, f'/{verb}')}",
    }
    if "part" in request.query_params:
        return site.part("machine/confirm.html", **values)
    word = "Remove" if verb == REMOVE else verb.capitalize()
    return await site.show(
        request, "machine/confirm_page.html", title=f"{word} {located.machine.name}?", **values
    )


def _verb(request: Request) -> str:
    verb: str = request.path_params["verb"]
    if verb in VERBS:
        return verb
    raise UsageError(f"unknown action {verb!r}", hint=f"choose one of {', '.join(VERBS)}")


async def change(request: Request) -> Response:
    """Start a job that starts, stops, restarts, archives or removes the machine."""
    site, ref, verb = site_of(request), MachineRef(request), _verb(request)
    async with request.form(max_files=0, max_fields=10) as form:
        typed = str(form.get("confirm", "")).strip()
    located = await threaded(lambda: ref.locate(site.context.session()))
    if is_guarded(located.machine) and typed != located.machine.stage:
        raise UsageError(
            f"--confirm: {located.machine.name} belongs to the shared stage "
            f"{located.machine.stage}",
            hint=f"type {located.machine.stage} to confirm",
            code="confirmation_needed",
        )
    job = begin(site, _mutation(ref, located.machine, verb))
    return job_answer(request, job)


def _mutation(ref: MachineRef, machine: Machine, verb: str) -> Mutation:
    stage = machine.stage if entries()[machine.type].shared else None
    where = f"--type {machine.type}{f' --stage {stage}' if stage else ''}"
    titles = {REMOVE: "Remove", "stop": "Stop", "archive": "Archive", "restart": "Restart"}
    return Mutation(
        f"machine.{verb}",
        f"{titles.get(verb, 'Start')} {machine.name}",
        partial(_remove if verb == REMOVE else _change, ref, verb),
        {"names": [machine.name], "type_": machine.type, "stage": stage, "yes": True},
        subject_of(machine),
        f"os2 machine {verb} {machine.name} {where}",
    )


def _change(ref: MachineRef, verb: str, session: Session, progress: Progress) -> Outcome:
    located = ref.locate(session)
    changer = Changer(
        Verb(verb),
        healthy_seconds=session.settings.timeout_seconds
        if verb in (Verb.START, Verb.RESTART)
        else None,
        progress=progress,
    )
    (change,) = changer.change([located])
    if change.error is not None:
        raise change.error
    after = change.machine or located.machine
    text = f"{after.name} is already {after.state.value}"
    if change.outcome != "unchanged":
        text = f"{after.name} is {Verb(verb).done}"
    return Outcome(text, ((f"Show {after.name}", machine_path(after)),))


def _remove(ref: MachineRef, verb: str, session: Session, progress: Progress) -> Outcome:
    del verb
    located = ref.locate(session)
    with progress.phase("Removing machine"):
        (removal,) = remove_located([located])
        if removal.error is not None:
            raise removal.error
    return Outcome(f"Removed {located.machine.name}", (("Machines", "/machines"),))


async def open_machine(request: Request) -> Response:
    """Redirect to the machine's own page, with a signed URL if it is private."""
    site, ref = site_of(request), MachineRef(request)

    def reach() -> str:
        located = ref.locate(site.context.session())
        address = located.provider.reach(located.machine, DAEMON_PORT)
        if address.token and not located.machine.public:
            address = located.provider.reach(located.machine, DAEMON_PORT, SIGNED_LINK_SECONDS)
        if link(address.url) is None:
            raise OperationFailed(
                f"a browser cannot open the URL of {ref.name}",
                hint=f"see it: os2 machine url {ref.name}",
                code="address_unusable",
            )
        return address.url

    url = await threaded(reach)
    return RedirectResponse(url, 303, {"Referrer-Policy": "no-referrer"})


async def logs(request: Request) -> Response:
    """Stream the log of the machine or of one of its services."""
    site, ref = site_of(request), MachineRef(request)
    service = request.query_params.get("service") or None
    follow = "once" not in request.query_params
    log_request = LogRequest(service, None, LOG_LINES, follow)

    def lines() -> Any:
        return ref.locate(site.context.session()).provider.logs(ref.name, log_request)

    return event_stream(log_events(lines, lambda: site.jobs.closed))


_AT = "/machines/{type}/{name}"
ROUTES = [
    Route(_AT, show_machine),
    Route(f"{_AT}/open", open_machine),
    Route(f"{_AT}/logs", logs),
    Route(f"{_AT}/usage", show_usage),
    Route(f"{_AT}/{{verb}}", confirm),
    Route(f"{_AT}/{{verb}}", change, methods=["POST"]),
]
