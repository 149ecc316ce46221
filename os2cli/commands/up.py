"""``os2 up``: from nothing to a healthy machine in one command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from os2cli.app.builds import build_request, locate_source, note_bundled
from os2cli.app.completions import complete_type
from os2cli.app.machine_creation import reject_unsupported
from os2cli.app.machine_options import MachineOptions
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import NotFound, Os2Error, Unreachable, UsageError
from os2cli.core.models import LOCAL_DOCKER, Machine, MachineSpec, MachineType
from os2cli.core.option_rules import reject_without
from os2cli.machines.create import bring_up
from os2cli.machines.joining import create_or_join
from os2cli.machines.names import validate_machine_name
from os2cli.output.progress import RecordingProgress
from os2cli.output.views.machines import show_machine_line
from os2cli.providers.entry import Material, ProviderEntry, entries, parse_type
from os2cli.snapshots.images import ensure_image

DEFAULT_NAME = "dev"
# What a new user does next.
NEXT = (("enter", "shell"), ("read", "logs"), ("open", "open"), ("remove", "rm"))


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The options of the command line."""

    name: str
    fix: bool
    yes: bool
    build: bool
    seconds: float
    stage: str | None
    allow_secrets: bool
    docker_host: str | None


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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before fixing.")] = False,
    build: options.Build = False,
    timeout: options.Timeout = None,
    stage: options.Stage = None,
    allow_secrets: options.AllowSecrets = False,
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
    reject_without("--yes", yes, "--fix", fix)
    session = Session.start(ctx, docker_host)
    validate_machine_name(name)
    progress = session.output.progress()
    seconds = timeout or session.settings.timeout_seconds
    wish = UpOptions(name, fix, yes, build, seconds, stage, allow_secrets, docker_host)
    entry = entries()[type_] if type_ else found_on_host(session, name)
    if entry is not None:
        reject_unusable(wish, entry)
    else:
        entry = engine_or_host(session, wish, progress)
    bring = up_on_host if entry.material is Material.THIS_HOST else up_from_image
    report(session, bring(session, wish, entry, progress), progress)


def found_on_host(session: Session, name: str) -> ProviderEntry | None:
    """Return the provider that already has the machine without an engine, if one does."""
    for entry in entries().values():
        if entry.material is Material.THIS_HOST and entry.set_up(session.providers.context):
            try:
                session.providers.machines(entry.type).get(name)
            except NotFound:
                continue
            return entry
    return None


def reject_unusable(wish: UpOptions, entry: ProviderEntry) -> None:
    """Raise ``UsageError`` for a type that ``up`` does not create, or an option it ignores."""
    if entry.shared:
        raise UsageError(
            f"machines on {entry.type} are created from snapshots",
            hint=f"use machine create: os2 machine create {wish.name} --type {entry.type}",
            code="option_invalid",
        )
    reject_unsupported(
        MachineOptions(
            type_=entry.type,
            build=wish.build,
            allow_secrets=wish.allow_secrets,
            docker_host=wish.docker_host,
        )
    )


def engine_or_host(session: Session, wish: UpOptions, progress: RecordingProgress) -> ProviderEntry:
    """Return the engine's provider; with --fix the host's own if no engine is available."""
    engine = entries()[LOCAL_DOCKER]
    instead = next((e for e in entries().values() if e.material is Material.THIS_HOST), None)
    failure = fix_engine(session, wish, progress) if wish.fix else None
    try:
        session.providers.machines(engine.type).get(wish.name)
    except NotFound:
        return engine
    except Unreachable as error:
        # An engine that the user named is theirs to start.
        if not str(error.details.get("origin")).startswith("the default"):
            raise
        if not wish.fix or instead is None:
            error.hint = _choices(wish.name, instead)
            raise
        progress.warn(f"no Docker engine is available: {(failure or error).message}")
        progress.warn(
            f"creating machine {wish.name} on {instead.type} INSTEAD, without isolation; "
            f"to undo: os2 machine rm {wish.name}"
        )
        return instead
    return engine


def _choices(name: str, instead: ProviderEntry | None) -> str:
    install = f"install or start one (on Linux as root): os2 up {name} --fix"
    if instead is None:
        return install
    return f"{install}; or use this host, without isolation: os2 up {name} --type {instead.type}"


def fix_engine(session: Session, wish: UpOptions, progress: RecordingProgress) -> Os2Error | None:
    """Install or start an engine when none answers; return why that failed, if it did.

    Raises:
        UsageError: the user declined, or could not be asked.
    """
    from os2cli.app.fixes import examine, planned_fixes, run_fixes

    engine = [finding for finding in examine(session) if finding.check == "engine"]
    fixes = planned_fixes(session, engine)
    try:
        if fixes and not run_fixes(session, fixes, progress, yes=wish.yes, command=_agreed(wish)):
            raise UsageError(
                "no engine answers, and none was installed or started",
                hint=_choices(wish.name, None),
                code="fix_declined",
            )
    except UsageError:
        raise
    except Os2Error as error:
        return error
    return None


def _agreed(wish: UpOptions) -> str:
    return f"os2 up {wish.name} --fix --yes"


def up_from_image(
    session: Session, wish: UpOptions, entry: ProviderEntry, progress: RecordingProgress
) -> Machine:
    """Bring up a machine from the local image, which is built first when it is missing."""
    provider = session.providers.machines(entry.type)
    source = locate_source(session)
    request = build_request(session, source, allow_secrets=wish.allow_secrets)
    builder = session.providers.builder()
    machine = bring_up(provider, wish.name, wait_seconds=wish.seconds, progress=progress)
    image = ensure_image(builder, request, rebuild=wish.build, progress=progress)
    note_bundled(session, source, image)
    if machine is not None and image.built:
        progress.notice(
            f"machine {wish.name} still runs the old image; "
            f"to replace it: os2 machine rm {wish.name}, then os2 up {wish.name}"
        )
    if machine is not None:
        return machine
    spec = _spec(session, wish, session.settings.image)
    return create_or_join(provider, spec, wait_seconds=wish.seconds, progress=progress)


def up_on_host(
    session: Session, wish: UpOptions, entry: ProviderEntry, progress: RecordingProgress
) -> Machine:
    """Bring up a machine on this host; with --fix, install what is missing first."""
    fix = entry.setup_fix(session.providers.context) if wish.fix else None
    if fix is not None:
        from os2cli.app.fixes import run_fixes

        run_fixes(session, [fix], progress, yes=wish.yes, command=_agreed(wish), of=entry.type)
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
    return MachineSpec(name=wish.name, stage=stage, snapshot=snapshot, owner=session.owner)


def report(session: Session, machine: Machine, progress: RecordingProgress) -> None:
    """Print the machine, and on a terminal the time of each phase and what to do next."""
    show_machine_line(session.output, machine)
    if progress.phases:
        session.output.note(f"{machine.name} is running ({progress.summary()})")
    for what, command in NEXT:
        session.output.note(f"{what:<8}os2 machine {command} {machine.name}")
