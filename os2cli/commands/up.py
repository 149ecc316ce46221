"""``os2 up``: the whole way to a healthy machine in one command."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli import options
from os2cli.errors import Unreachable
from os2cli.machine_name import validate_machine_name
from os2cli.machines import bring_up, create_machine
from os2cli.models import LOCAL_DOCKER, Machine, MachineSpec
from os2cli.output.progress import RecordingProgress
from os2cli.session import Session
from os2cli.snapshots import ensure_image
from os2cli.views.machines import show_machine_line

DEFAULT_NAME = "dev"


def up(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Its name.")] = DEFAULT_NAME,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Install or start a Docker engine when none answers."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before a fix.")] = False,
    build: Annotated[
        bool,
        typer.Option(
            "--build", help="Bring the image up to date first.", rich_help_panel=options.BUILD
        ),
    ] = False,
    timeout: options.Timeout = None,
    stage: options.Stage = None,
    allow_secrets: options.AllowSecrets = False,
    docker_host: options.DockerHost = None,
) -> None:
    """Bring up a machine: engine, image, machine, healthy, URL.

    Run again, it finds the machine and prints the same URL.

    [dim]Examples:[/dim]
      os2 up
      os2 up --fix --yes
      os2 up reviews --build
    """
    options.refuse_without("--yes", yes, "--fix", fix)
    session = Session.start(ctx, docker_host)
    validate_machine_name(name)
    progress = session.output.progress()
    if fix:
        fix_engine(session, name, progress, yes=yes)
    provider = session.providers.machines(LOCAL_DOCKER)
    seconds = timeout or session.settings.timeout_seconds
    source = session.source()
    request = session.build_request(source, allow_secrets=allow_secrets)
    builder = session.providers.builder()
    try:
        machine = bring_up(provider, name, wait_seconds=seconds, progress=progress)
    except Unreachable as error:
        # An engine that the user named himself is his to start.
        if not fix and str(error.details.get("origin")).startswith("the default"):
            error.hint = f"let os2 install or start one (on Linux as root): os2 up {name} --fix"
        raise
    image = ensure_image(builder, request, rebuild=build, progress=progress)
    session.tell_origin(source, image)
    if machine is not None and image.built:
        progress.notice(
            f"{name} still runs the image that it was made from; "
            f"to change that: os2 machine rm {name}, then os2 up {name}"
        )
    if machine is None:
        spec = MachineSpec(
            name=name,
            stage=session.stage(stage).name,
            snapshot=session.settings.image,
            owner=session.owner,
        )
        machine = create_machine(provider, spec, wait_seconds=seconds, progress=progress)
    report(session, machine, progress)


def fix_engine(session: Session, name: str, progress: RecordingProgress, *, yes: bool) -> None:
    """Install or start an engine when none answers; nothing else is touched."""
    from os2cli.repairs import examine, planned_fixes, run_fixes

    engine = [finding for finding in examine(session) if finding.check == "engine"]
    fixes = planned_fixes(session, engine)
    if fixes:
        run_fixes(session, fixes, progress, yes=yes, command=f"os2 up {name} --fix --yes")


def report(session: Session, machine: Machine, progress: RecordingProgress) -> None:
    """Print the result, and on a terminal where the time went and what to do next."""
    show_machine_line(session.output, machine)
    if progress.phases:
        session.output.note(f"{machine.name} is up ({progress.summary()})")
    session.output.note(f"remove it with: os2 machine rm {machine.name}")
