"""The inventory of images and snapshots: listing, removing, activating."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from os2cli.app.session import Session
from os2cli.core.defaults import ACTIVATION_SECONDS
from os2cli.core.errors import Os2Error, UsageError
from os2cli.core.models import MachineType
from os2cli.core.progress import Progress
from os2cli.core.stage import is_guarded_stage
from os2cli.providers.entry import parse_type
from os2cli.snapshots.inventory import (
    Entry,
    InventoryListing,
    find_catalog,
    locate,
    locate_all,
    remove_entries,
)
from os2cli.snapshots.readiness import bring_back
from os2cli.ui.jobs.events import event_stream
from os2cli.ui.jobs.job import Outcome
from os2cli.ui.jobs.log_events import log_events
from os2cli.ui.pages.forms import Fields
from os2cli.ui.pages.mutations import Mutation, begin, job_answer
from os2cli.ui.site import site_of, threaded

_LINKS = (("Snapshots", "/snapshots"),)


async def list_snapshots(request: Request) -> Response:
    """Show the inventory; with ``part`` only the list."""
    site = site_of(request)
    everywhere = "all" in request.query_params
    part = "part" in request.query_params
    listing: InventoryListing | None = None
    error: Os2Error | None = None
    try:
        listing = await threaded(site.inventory.listing, all_stages=everywhere)
    except Os2Error as failure:
        error = failure
    values: dict[str, Any] = {
        "listing": listing,
        "error": error,
        "everywhere": everywhere,
        "jobs": {job.subject: job for job in site.jobs.running()},
        "is_guarded": is_guarded_stage,
    }
    if part:
        return site.part("snapshots/list.html", **values)
    return await site.show(request, "snapshots/page.html", title="Snapshots", **values)


async def confirm_removal(request: Request) -> Response:
    """Ask before removing an image or a snapshot; with ``part`` for a dialog."""
    site = site_of(request)
    query = request.query_params
    type_, name = _parse(query.get("type"), query.get("name"))
    entry = await threaded(_locate, site.context.session(), type_, name, with_users=True)
    values: dict[str, Any] = {"entry": entry, "guarded": is_guarded_stage(entry.item.stage)}
    if "part" in request.query_params:
        return site.part("snapshots/confirm.html", **values)
    return await site.show(
        request, "snapshots/confirm_page.html", title=f"Remove {name}?", **values
    )


def _parse(type_: str | None, name: str | None) -> tuple[MachineType, str]:
    """Return the type and name of a request; raises ``UsageError`` without a name."""
    if not name:
        raise UsageError(
            "no image or snapshot named",
            hint="choose one from the list",
            code="option_invalid",
        )
    return parse_type(type_ or ""), name


def _locate(session: Session, type_: MachineType, name: str, *, with_users: bool) -> Entry:
    catalogs = session.providers.catalogs(type_)
    entry = locate_all(catalogs, [name], with_users=with_users)[name]
    if isinstance(entry, Os2Error):
        raise entry
    return entry


async def remove(request: Request) -> Response:
    """Start a job that removes an image or a snapshot."""
    site = site_of(request)
    async with request.form(max_files=0, max_fields=20) as form:
        fields = Fields(form)
        type_, name = _parse(fields.text("type"), fields.text("name"))
        force, typed = fields.flag("force"), fields.text("confirm")
    entry = await threaded(_locate, site.context.session(), type_, name, with_users=False)
    stage = entry.item.stage
    if is_guarded_stage(stage) and typed != stage:
        raise UsageError(
            f"--confirm: {name} belongs to the shared stage {stage}",
            hint=f"type {stage} to confirm",
            code="confirmation_needed",
        )
    words = f"{' --force' if force else ''} --type {type_} --yes"
    mutation = Mutation(
        "snapshot.rm",
        f"Remove {name}",
        partial(_remove, type_, name, force),
        {"names": [name], "type_": type_, "force": force, "yes": True},
        name,
        f"os2 snapshot rm {name}{words}",
    )
    return job_answer(request, begin(site, mutation))


def _remove(
    type_: MachineType,
    name: str,
    force: bool,
    session: Session,
    progress: Progress,
) -> Outcome:
    entries = locate_all(session.providers.catalogs(type_), [name], with_users=not force)
    with progress.phase("Removing snapshot"):
        (removal,) = remove_entries(entries, force=force)
        if removal.error is not None:
            raise removal.error
    session.forget_resolutions(e.item.stage for e in entries.values() if isinstance(e, Entry))
    return Outcome(f"Removed {name}" if removal.removed else f"{name} did not exist", _LINKS)


async def activate(request: Request) -> Response:
    """Start a job that activates an inactive snapshot."""
    site = site_of(request)
    async with request.form(max_files=0, max_fields=20) as form:
        fields = Fields(form)
        type_, name = _parse(fields.text("type"), fields.text("name"))
    mutation = Mutation(
        "snapshot.activate",
        f"Activate {name}",
        partial(_activate, type_, name),
        {"name": name, "type_": type_},
        name,
        f"os2 snapshot activate {name}",
    )
    return job_answer(request, begin(site, mutation))


def _activate(
    type_: MachineType,
    name: str,
    session: Session,
    progress: Progress,
) -> Outcome:
    entry = locate(session.providers.catalogs(type_), name)
    state, changed = bring_back(entry, ACTIVATION_SECONDS, progress=progress)
    if changed:
        session.forget_resolutions([entry.item.stage])
    return Outcome(f"{name} is {state.value}", _LINKS)


async def show_log(request: Request) -> Response:
    """Show the build log."""
    query = request.query_params
    type_, name = _parse(query.get("type"), query.get("name"))
    names = {"type_": type_, "name": name}
    return await site_of(request).show(
        request, "snapshots/log.html", title=f"Build log of {name}", names=names
    )


async def log_lines(request: Request) -> Response:
    """Stream the lines of the build log."""
    site, query = site_of(request), request.query_params
    type_, name = _parse(query.get("type"), query.get("name"))

    def lines() -> Iterator[str]:
        catalogs = site.context.session().providers.catalogs(type_)
        return find_catalog(catalogs, name).log(name)

    return event_stream(log_events(lines, lambda: site.jobs.closed))


ROUTES = [
    Route("/snapshots", list_snapshots),
    Route("/snapshots/log", show_log),
    Route("/snapshots/log/lines", log_lines),
    Route("/snapshots/remove", confirm_removal),
    Route("/snapshots/remove", remove, methods=["POST"]),
    Route("/snapshots/activate", activate, methods=["POST"]),
]
