"""``os2 machine rm``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from os2cli import options
from os2cli.errors import UsageError
from os2cli.models import Machine, MachineType
from os2cli.output import Output
from os2cli.session import Session
from os2cli.stage import StageKind, classify_stage
from os2cli.views.removals import show_removals

_GUARDED = (StageKind.STAGING, StageKind.PRODUCTION)


def remove(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", autocompletion=options.complete_machine),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", "-a", help="Remove every machine.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="A machine that does not exist is fine.")
    ] = False,
    type_: options.OnlyType = None,
    stage: options.OnlyStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Remove machines, several side by side, and verify that they are gone.

    One that does not exist is an error, unless --force is given. On Daytona a name means a machine
    of the stage, and --all those of the stage; those of stg and prd are asked about.

    [dim]Examples:[/dim]
      os2 machine rm dev-1 dev-2
      os2 machine rm --all --yes
      os2 machine rm --type daytona --stage stg reviews --yes
    """
    from os2cli.fleet import Place, locate_all, remove_located

    if bool(names) == all_:
        raise UsageError(
            "name the machines to remove, or pass --all",
            hint="os2 machine list shows those that exist",
        )
    session = Session.start(ctx, docker_host)
    if all_ and type_ is None and session.settings.daytona.configured:
        raise UsageError(
            "--all needs to be told where, since a key for Daytona is set",
            hint="os2 machine rm --all --type local-docker, or --type daytona",
        )
    if all_:
        wanted, stage = everything(session, type_ or MachineType.LOCAL_DOCKER, stage)
    else:
        wanted = list(dict.fromkeys(names or []))
    within = session.stage_if_set(stage, changing=True) if may_be_remote(session, type_) else stage
    places = locate_all(session.providers.fleet(type_, within), wanted, stage)
    if wanted and not yes:
        guarded = guarded_among([p.machine for p in places.values() if isinstance(p, Place)])
        instead = command_without_question(
            wanted, all_=all_, type_=type_, stage=within if guarded else stage
        )
        if (all_ or guarded) and not agreed(session.output, wanted, guarded, within, instead):
            session.output.note("nothing was removed")
            return
    show_removals(session.output, remove_located(places), missing_is_fine=force or all_)


def may_be_remote(session: Session, type_: MachineType | None) -> bool:
    """Whether machines on Daytona may be meant."""
    return type_ is MachineType.DAYTONA or (type_ is None and session.settings.daytona.configured)


def everything(
    session: Session, type_: MachineType, stage: str | None
) -> tuple[list[str], str | None]:
    """What --all means: every local machine, or those on Daytona of the stage."""
    from os2cli.machines import machines_of_stage

    if type_ is MachineType.DAYTONA:
        stage = session.remote_stage(stage).name
    found = machines_of_stage(session.providers.machines(type_, stage), stage)
    return [machine.name for machine in found], stage


def guarded_among(machines: Sequence[Machine]) -> list[Machine]:
    """Those that others work with, and whose removal is therefore asked about."""
    return [
        machine
        for machine in machines
        if machine.type is not MachineType.LOCAL_DOCKER
        and classify_stage(machine.stage) in _GUARDED
    ]


def command_without_question(
    names: Sequence[str], *, all_: bool, type_: MachineType | None, stage: str | None
) -> str:
    """The command that does the same and needs no answer."""
    words = ["os2 machine rm", *(["--all"] if all_ else names), "--yes"]
    words += [f"--type {type_.value}"] if type_ else []
    words += [f"--stage {stage}"] if stage else []
    return " ".join(words)


def agreed(
    output: Output,
    wanted: Sequence[str],
    guarded: Sequence[Machine],
    stage: str | None,
    instead: str,
) -> bool:
    """Say what would go and ask; the stage's name must be typed where others use it."""
    count = f"{len(wanted)} machine{'s' if len(wanted) > 1 else ''}"
    output.note(f"This removes: {', '.join(wanted)}")
    if guarded and stage is not None:
        return output.confirm_by_typing(stage, f"Remove {count} of stage {stage}?", instead=instead)
    return output.confirm(f"Remove {count}?", instead=instead)
