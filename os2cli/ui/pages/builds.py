"""Building the local image and publishing a snapshot."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from os2cli.app.builds import BuildOptions, PublishOptions, build_image, publish
from os2cli.app.registry import BuilderKind
from os2cli.app.session import Session
from os2cli.core.errors import Os2Error
from os2cli.core.models import SnapshotResources
from os2cli.core.progress import Progress
from os2cli.core.stage import Stage, is_guarded_stage
from os2cli.output.humanize import age
from os2cli.ui.jobs.job import Outcome
from os2cli.ui.pages.forms import Fields
from os2cli.ui.pages.mutations import Mutation, begin, job_answer
from os2cli.ui.site import site_of, threaded

IMAGE = "local-image"
_SHELF = (("Snapshots", "/snapshots"),)


async def build(request: Request) -> Response:
    """Build the local image."""
    site = site_of(request)
    async with request.form(max_files=0, max_fields=20) as form:
        fields = Fields(form)
        given = BuildOptions(
            no_cache=fields.flag("no_cache"), allow_secrets=fields.flag("allow_secrets")
        )
    running = site.jobs.about(IMAGE)
    return job_answer(request, running or begin(site, image_build(given)))


def image_build(given: BuildOptions) -> Mutation:
    """The job that brings the local image up to date."""
    flags = {"no_cache": given.no_cache, "allow_secrets": given.allow_secrets}
    said = {name: True for name, value in flags.items() if value}
    options = [f"--{name.replace('_', '-')}" for name in said]
    command = " ".join(["os2 snapshot local-docker", *options])
    return Mutation(
        "snapshot.local-docker",
        "Build the local image",
        partial(_build, given),
        said,
        IMAGE,
        command,
    )


def _build(given: BuildOptions, session: Session, progress: Progress) -> Outcome:
    result = build_image(session, given, progress)
    image = result.image
    if not result.built:
        return Outcome(f"{image.reference} is up to date, built {age(image.created)}", _SHELF)
    return Outcome(f"built {image.reference} in {result.seconds:.0f} s", _SHELF)


async def publish_form(request: Request) -> Response:
    """What is published, and to which stage."""
    site = site_of(request)
    session = site.context.session()
    stage: Stage | None = None
    error: Os2Error | None = None
    try:
        stage = await threaded(session.remote_stage, site.context.stage)
    except Os2Error as failure:
        error = failure
    return await site.show(
        request, "snapshots/publish.html", title="Publish a snapshot", chosen=stage, error=error,
        configured=session.settings.daytona.configured,
        guarded=is_guarded_stage(stage.name if stage else None),
    )  # fmt: skip


async def publish_snapshot(request: Request) -> Response:
    """Publish to the stage that was shown, as a job."""
    site = site_of(request)
    async with request.form(max_files=0, max_fields=20) as form:
        fields = Fields(form)
        wanted = fields.text("stage") or site.context.stage
        stage = site.context.session().remote_stage(wanted)
        local = fields.text("builder") == BuilderKind.LOCAL
        given = PublishOptions(
            stage,
            BuildOptions(allow_secrets=fields.flag("allow_secrets")),
            SnapshotResources(
                fields.whole("cpu", 1) or SnapshotResources().cpu,
                fields.whole("memory", 1) or SnapshotResources().memory_gib,
                fields.whole("disk", 1) or SnapshotResources().disk_gib,
            ),
            BuilderKind.LOCAL if local else BuilderKind.REMOTE,
            force=fields.flag("force"),
        )
    return job_answer(request, begin(site, _publication(given)))


def _publication(given: PublishOptions) -> Mutation:
    r = given.resources
    said: dict[str, object] = {
        "stage": given.stage.name, "cpu": r.cpu, "memory": r.memory_gib, "disk": r.disk_gib,
        "builder": given.builder.value,
    }  # fmt: skip
    flags = {"force": given.force, "allow_secrets": given.build.allow_secrets}
    words = [f"--{name} {value}" for name, value in said.items()]
    words += [f"--{name.replace('_', '-')}" for name, value in flags.items() if value]
    return Mutation(
        "snapshot.daytona",
        f"Publish to {given.stage.name}",
        partial(_publish, given),
        said | {name: True for name, value in flags.items() if value},
        f"publish/{given.stage.name}",
        " ".join(["os2 snapshot daytona", *words]),
    )


def _publish(given: PublishOptions, session: Session, progress: Progress) -> Outcome:
    done = publish(session, given, progress)
    name = done.snapshot.name
    if not done.published:
        return Outcome(f"unchanged: {name} is made from the same", _SHELF)
    return Outcome(f"published {name} in {done.seconds:.0f} s", _SHELF)


ROUTES = [
    Route("/snapshots/build", build, methods=["POST"]),
    Route("/snapshots/publish", publish_form),
    Route("/snapshots/publish", publish_snapshot, methods=["POST"]),
]
