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
_LINKS = (("Snapshots", "/snapshots"),)


async def build(request: Request) -> Response:
    """Start a job that builds the local image."""
    site = site_of(request)
    async with request.form(max_files=0, max_fields=20) as form:
        fields = Fields(form)
        options = BuildOptions(
            no_cache=fields.flag("no_cache"), allow_secrets=fields.flag("allow_secrets")
        )
    running = site.jobs.about(IMAGE)
    return job_answer(request, running or begin(site, image_build(options)))


def image_build(options: BuildOptions) -> Mutation:
    """Return the change that brings the local image up to date."""
    flags = {"no_cache": options.no_cache, "allow_secrets": options.allow_secrets}
    flags = {name: True for name, value in flags.items() if value}
    words = [f"--{name.replace('_', '-')}" for name in flags]
    command = " ".join(["os2 snapshot local-docker", *words])
    return Mutation(
        "snapshot.local-docker",
        "Build the local image",
        partial(_build, options),
        flags,
        IMAGE,
        command,
    )


def _build(options: BuildOptions, session: Session, progress: Progress) -> Outcome:
    result = build_image(session, options, progress)
    image = result.image
    if not result.built:
        return Outcome(f"{image.reference} is up to date, built {age(image.created)}", _LINKS)
    return Outcome(f"Built {image.reference} in {result.seconds:.1f} s", _LINKS)


async def publish_form(request: Request) -> Response:
    """Show the form to publish a snapshot."""
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
    """Start a job that publishes to the stage of the form."""
    site = site_of(request)
    async with request.form(max_files=0, max_fields=20) as form:
        fields = Fields(form)
        name = fields.text("stage") or site.context.stage
        stage = site.context.session().remote_stage(name)
        local = fields.text("builder") == BuilderKind.LOCAL
        options = PublishOptions(
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
    return job_answer(request, begin(site, _publication(options)))


def _publication(options: PublishOptions) -> Mutation:
    r = options.resources
    values: dict[str, object] = {
        "stage": options.stage.name, "cpu": r.cpu, "memory": r.memory_gib, "disk": r.disk_gib,
        "builder": options.builder.value,
    }  # fmt: skip
    flags = {"force": options.force, "allow_secrets": options.build.allow_secrets}
    words = [f"--{name} {value}" for name, value in values.items()]
    words += [f"--{name.replace('_', '-')}" for name, value in flags.items() if value]
    return Mutation(
        "snapshot.daytona",
        f"Publish to {options.stage.name}",
        partial(_publish, options),
        values | {name: True for name, value in flags.items() if value},
        f"publish/{options.stage.name}",
        " ".join(["os2 snapshot daytona", *words]),
    )


def _publish(options: PublishOptions, session: Session, progress: Progress) -> Outcome:
    result = publish(session, options, progress)
    name = result.snapshot.name
    if not result.published:
        return Outcome(f"Unchanged: {name} already matches this tree", _LINKS)
    return Outcome(f"Published {name} in {result.seconds:.1f} s", _LINKS)


ROUTES = [
    Route("/snapshots/build", build, methods=["POST"]),
    Route("/snapshots/publish", publish_form),
    Route("/snapshots/publish", publish_snapshot, methods=["POST"]),
]
