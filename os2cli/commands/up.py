"""``os2 up``: from nothing to a healthy machine in one command."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from os2cli.app.builds import build_request, local_image, locate_source, note_bundled
from os2cli.app.completions import complete_type
from os2cli.app.machine_creation import warn_if_kept, warn_if_off
from os2cli.app.machine_reuse import ask_about, ask_about_existing
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.commands._up_place import UpOptions, engine_or_host, found_on_host, reject_unusable
from os2cli.core.limits import Isolation
from os2cli.core.models import Machine, MachineSpec, MachineType
from os2cli.machines.create import bring_up
from os2cli.machines.joining import create_or_join
from os2cli.machines.names import validate_machine_name
from os2cli.output.progress import RecordingProgress
from os2cli.output.views.machines import show_machine_line
from os2cli.providers.entry import Material, ProviderEntry, entries, parse_type

DEFAULT_NAME = "dev"
# What a new user does next.
NEXT = (("enter", "shell"), ("read", "logs"), ("open", "open"), ("remove", "rm"))


def up(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Name of the machine.")
    ] = DEFAULT_NAME,
    type_: Annotated[
        MachineType | None,
        typer.Option(
            "--type",
            parser=parse_type,
            metavar="TYPE",
            autocompletion=complete_type,
            help="Where the machine runs. Default: where it already is, else local-docker.",
        ),
    ] = None,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Install or start what is missing, such as a Docker engine."),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Do not ask before fixing, replacing or reusing anything."
        ),
    ] = False,
    build: options.Build = False,
    timeout: options.Timeout = None,
    stage: options.Stage = None,
    with_git: options.WithGit = False,
    allow_secrets: options.AllowSecrets = False,
    isolation: options.HowIsolated = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Bring up a machine: engine, image, machine, healthy, URL.

    Run it again to get the same URL. If no Docker engine is available, --fix
    runs the machine on this host itself, without isolation, and warns about it.

    [dim]Examples:[/dim]
      os2 up
      os2 up --fix --yes
      os2 up reviews --build
    """
    session = Session.start(ctx, docker_host)
    validate_machine_name(name)
    progress = session.output.progress()
    seconds = timeout or session.settings.timeout_seconds
    wish = UpOptions(
        name, fix, yes, build, seconds, stage, with_git, allow_secrets, docker_host, isolation
    )
    entry = entries()[type_] if type_ else found_on_host(session, name)
    if entry is not None:
        reject_unusable(wish, entry)
    else:
        entry = engine_or_host(session, wish, progress)
    bring = up_on_host if entry.material is Material.THIS_HOST else up_from_image
    report(session, bring(session, wish, entry, progress), progress)


def up_from_image(
    session: Session, wish: UpOptions, entry: ProviderEntry, progress: RecordingProgress
) -> Machine:
    """Bring up a machine from the local image, which is built first when it is missing."""
    provider = session.providers.machines(entry.type)
    source = locate_source(session)
    request = build_request(
        session, source, allow_secrets=wish.allow_secrets, with_git=wish.with_git
    )
    ask_about_existing(session, provider, wish.name, request, yes=wish.yes)
    machine = bring_up(provider, wish.name, wait_seconds=wish.seconds, progress=progress)
    if machine is not None and not wish.build:
        # It has an image, whosever the name is by now.
        request = replace(request, take_over=True)
    image = local_image(
        session,
        request,
        progress,
        rebuild=wish.build,
        question="Replace it with this repository's?",
        yes=wish.yes,
        replace_strange=True,
    )
    note_bundled(session, source, image)
    if machine is not None and image.built:
        progress.notice(
            f"machine {wish.name} still runs the old image; "
            f"to replace it: os2 machine rm {wish.name}, then os2 up {wish.name}"
        )
    if machine is not None:
        warn_if_kept(machine, wish.isolation, progress)
        return machine
    warn_if_off(wish.isolation, progress)
    spec = replace(_spec(session, wish, session.settings.image), repository=request.repository)
    machine = create_or_join(provider, spec, wait_seconds=wish.seconds, progress=progress)
    # Another os2 may have been faster, in another repository.
    ask_about(session, machine, request, yes=wish.yes)
    return machine


def up_on_host(
    session: Session, wish: UpOptions, entry: ProviderEntry, progress: RecordingProgress
) -> Machine:
    """Bring up a machine on this host; with --fix, install what is missing first."""
    fix = entry.setup_fix(session.providers.context) if wish.fix else None
    if fix is not None:
        from os2cli.app.fixes import run_fixes

        run_fixes(session, [fix], progress, yes=wish.yes, command=wish.agreed, of=entry.type)
    provider = session.providers.machines(entry.type)
    machine = bring_up(provider, wish.name, wait_seconds=wish.seconds, progress=progress)
    if machine is not None:
        return machine
    if entry.warning:
        progress.warn(entry.warning)
    spec = _spec(session, wish, "")
    return create_or_join(provider, spec, wait_seconds=wish.seconds, progress=progress)


def _spec(session: Session, wish: UpOptions, snapshot: str) -> MachineSpec:
    stage = session.stage(wish.stage).name
    isolation = wish.isolation or Isolation.DEFAULT
    return MachineSpec(wish.name, stage, snapshot, owner=session.owner, isolation=isolation)


def report(session: Session, machine: Machine, progress: RecordingProgress) -> None:
    """Print the machine, and on a terminal the time of each phase and what to do next."""
    show_machine_line(session.output, machine)
    if progress.phases:
        session.output.note(f"{machine.name} is running ({progress.summary()})")
    for what, command in NEXT:
        session.output.note(f"{what:<8}os2 machine {command} {machine.name}")
