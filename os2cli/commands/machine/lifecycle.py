"""``os2 machine start``, ``stop``, ``restart`` and ``archive``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from os2cli.app.selection import Selection, confirm_change, find
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import UsageError
from os2cli.core.left_out import left_out
from os2cli.core.models import MachineType, Verb
from os2cli.core.option_rules import reject_both
from os2cli.machines.states import Changer
from os2cli.output.views.changes import show_changes

All = Annotated[
    bool, typer.Option("--all", "-a", help="All machines; on Daytona, those of the stage.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return before the machine is healthy.")]
ChangeTimeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.1,
        help="Time limit for each. Default: the provider's, then OS2_TIMEOUT until healthy.",
    ),
]

StartPort = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="PORT",
        min=1,
        max=65535,
        help="Another port on this host, for one stopped machine. Default: the one it has.",
    ),
]


def _starting(verb: Verb, help_text: str) -> Callable[..., None]:
    """Return a command that starts machines and waits for them."""

    def command(
        ctx: typer.Context,
        names: options.ExistingMachines = None,
        all_: All = False,
        no_wait: NoWait = False,
        timeout: ChangeTimeout = None,
        yes: options.Yes = False,
        type_: options.OnlyType = None,
        stage: options.WithinStage = None,
        docker_host: options.DockerHost = None,
    ) -> None:
        session = Session.start(ctx, docker_host)
        changer = _changer(session, verb, timeout, waiting=not no_wait)
        _change(session, changer, names, all_, type_, stage, yes=yes)

    command.__doc__ = help_text
    return command


def _ending(verb: Verb, help_text: str) -> Callable[..., None]:
    """Return a command that stops machines."""

    def command(
        ctx: typer.Context,
        names: options.ExistingMachines = None,
        all_: All = False,
        timeout: ChangeTimeout = None,
        yes: options.Yes = False,
        type_: options.OnlyType = None,
        stage: options.WithinStage = None,
        docker_host: options.DockerHost = None,
    ) -> None:
        session = Session.start(ctx, docker_host)
        changer = _changer(session, verb, timeout, waiting=False)
        _change(session, changer, names, all_, type_, stage, yes=yes)

    command.__doc__ = help_text
    return command


def start(
    ctx: typer.Context,
    names: options.ExistingMachines = None,
    all_: All = False,
    port: StartPort = None,
    no_wait: NoWait = False,
    timeout: ChangeTimeout = None,
    yes: options.Yes = False,
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Start machines and wait until they are healthy; skip those that run.

    --port starts a stopped machine of this host on another port, which it keeps.
    Its files stay; on an engine they move to a new container.

    [dim]Examples:[/dim]
      os2 machine start dev-1
      os2 machine start dev-1 --port 10500
      os2 machine start dev-1 dev-2 --no-wait
    """
    reject_both("--port", port is not None, "--all", all_, reason="each machine needs its own port")
    if port is not None and len(names or []) > 1:
        raise UsageError(
            "--port is for one machine: each needs its own port",
            hint="start them one by one",
            code="option_invalid",
        )
    session = Session.start(ctx, docker_host)
    changer = _changer(session, Verb.START, timeout, waiting=not no_wait)
    _change(session, replace(changer, port=port), names, all_, type_, stage, yes=yes)


stop = _ending(
    Verb.STOP,
    """Stop machines and keep their files; skip those that are stopped.

    [dim]Examples:[/dim]
      os2 machine stop dev-1
      os2 machine stop --all --type local-docker --yes
    """,
)
restart = _starting(
    Verb.RESTART,
    """Restart machines at the same URL and wait until they are healthy.

    [dim]Examples:[/dim]
      os2 machine restart dev-1
    """,
)
archive = _ending(
    Verb.ARCHIVE,
    """Move machines to cheap storage; stop local ones. To get them back: machine start.

    [dim]Examples:[/dim]
      os2 machine archive reviews
    """,
)


def _changer(session: Session, verb: Verb, timeout: float | None, *, waiting: bool) -> Changer:
    return Changer(
        verb,
        within=timeout,
        healthy_seconds=(timeout or session.settings.timeout_seconds) if waiting else None,
        progress=session.output.progress(),
    )


def _change(
    session: Session,
    changer: Changer,
    names: list[str] | None,
    all_: bool,
    type_: MachineType | None,
    stage: str | None,
    *,
    yes: bool,
) -> None:
    selection = Selection(changer.verb.value, names or [], all_, type_, stage)
    with left_out() as unread:
        matches = find(session, selection)
    if not yes and not confirm_change(session, selection, matches, always=all_):
        session.output.note("nothing changed")
        return
    changes = changer.change(matches.places)
    show_changes(session.output, changes, unread if all_ else ())
