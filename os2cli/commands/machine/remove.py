"""``os2 machine rm``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli import options
from os2cli.errors import UsageError
from os2cli.machines import machines_of_stage, remove_machines
from os2cli.models import MachineType
from os2cli.session import Session
from os2cli.views.removals import show_removals


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
    stage: options.OnlyStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Remove machines, several side by side, and verify that they are gone.

    One that does not exist is an error, unless --force is given.

    [dim]Examples:[/dim]
      os2 machine rm dev-1 dev-2
      os2 machine rm --all --yes
    """
    session = Session.start(ctx, docker_host)
    provider = session.providers.machines(MachineType.LOCAL_DOCKER)
    if stage is not None and not all_:
        raise UsageError("--stage goes with --all", hint="os2 machine rm --all --stage STAGE")
    if bool(names) == all_:
        raise UsageError(
            "name the machines to remove, or pass --all",
            hint="os2 machine list shows those that exist",
        )
    wanted = list(dict.fromkeys(names or [m.name for m in machines_of_stage(provider, stage)]))
    if all_ and wanted and not yes:
        session.output.note(f"This removes: {', '.join(wanted)}")
        question = f"Remove {len(wanted)} machine{'s' if len(wanted) > 1 else ''}?"
        if not session.output.confirm(question, instead="os2 machine rm --all --yes"):
            session.output.note("nothing was removed")
            return
    removals = remove_machines(provider, wanted)
    show_removals(session.output, removals, missing_is_fine=force or all_)
