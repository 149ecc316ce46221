"""``os2 machine create``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.models import LOCAL_DOCKER
from os2cli.output.views.machines import show_created


def create(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A new name is made up without it.")
    ] = None,
    type_: options.Type = LOCAL_DOCKER,
    count: Annotated[
        int,
        typer.Option(
            min=1,
            max=100,
            metavar="N",
            help="So many, all or none: NAME-1, NAME-2, …",
            rich_help_panel=options.MACHINE,
        ),
    ] = 1,
    ttl: Annotated[
        str | None,
        typer.Option(
            "--ttl",
            metavar="TIME",
            help="How long it may exist: 30m, 12h, 2d. Daytona ends it then, prune does elsewhere.",
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            "-e",
            "--env",
            metavar="KEY[=VALUE]",
            help="Variable for the machine; without a value, the one of this shell. Repeatable.",
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    env_file: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="File of KEY=VALUE lines. Repeatable.",
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Label of your own. Repeatable.",
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    stage: options.Stage = None,
    snapshot: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Made from this. Default: the local image, the stage's newest snapshot.",
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    no_wait: Annotated[
        bool,
        typer.Option(
            "--no-wait",
            help="Return before the machine is healthy.",
            rich_help_panel=options.MACHINE,
        ),
    ] = False,
    timeout: options.Timeout = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            metavar="PORT",
            help="Its port. Default: a free one.",
            rich_help_panel=options.ON_THIS_HOST,
        ),
    ] = None,
    cpu: Annotated[
        float | None,
        typer.Option(
            min=0.01, metavar="CPUS", help="Limit of CPUs.", rich_help_panel=options.ON_THIS_HOST
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Limit of memory, e.g. 2g.", rich_help_panel=options.ON_THIS_HOST
        ),
    ] = None,
    mount_repo: Annotated[
        bool,
        typer.Option(
            "--mount-repo",
            help="Let the machine read this working tree instead of the image's copy.",
            rich_help_panel=options.ON_THIS_HOST,
        ),
    ] = False,
    build: Annotated[
        bool,
        typer.Option(
            "--build",
            help="Bring the image up to date first.",
            rich_help_panel=options.ON_THIS_HOST,
        ),
    ] = False,
    allow_secrets: Annotated[
        bool,
        typer.Option(
            "--allow-secrets",
            help="Send files that look like secrets to the build.",
            rich_help_panel=options.ON_THIS_HOST,
        ),
    ] = False,
    docker_host: options.DockerHost = None,
    public: Annotated[
        bool,
        typer.Option(
            "--public",
            help="Let anybody who has the URL reach it.",
            rich_help_panel=options.DAYTONA,
        ),
    ] = False,
    auto_stop: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Stop it when idle for 30m, 12h, …; off. Default: 12h in development, else off.",
            rich_help_panel=options.DAYTONA,
        ),
    ] = None,
    auto_archive: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Archive it when stopped for so long; off: as late as possible.",
            rich_help_panel=options.DAYTONA,
        ),
    ] = None,
    auto_delete: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Delete it when stopped for so long, 0m at once. Default: off.",
            rich_help_panel=options.DAYTONA,
        ),
    ] = None,
    no_cache: options.NoCache = False,
) -> None:
    """Create a machine and wait until it is healthy.

    A local image is built first when it is missing; on Daytona the stage's newest snapshot is used.

    [dim]Examples:[/dim]
      os2 machine create
      os2 machine create dev-1 -e OPENAI_API_KEY --memory 4g
      os2 machine create --type daytona --auto-stop 2h
      os2 machine create dev-2 --json | jq -r .url
    """
    # They bring the use cases with them, which other commands start without.
    from os2cli.app import machine_options as creation
    from os2cli.providers.entry import entries

    options.reject_both(no_wait=no_wait, timeout=timeout)
    given = creation.MachineOptions(
        name=name,
        count=count,
        env=env or [],
        env_files=env_file or [],
        labels=label,
        snapshot=snapshot,
        stage=stage,
        ttl=ttl,
        port=port,
        cpu=cpu,
        memory=memory,
        mount_repo=mount_repo,
        build=build,
        allow_secrets=allow_secrets,
        docker_host=docker_host,
        public=public,
        auto_stop=auto_stop,
        auto_archive=auto_archive,
        auto_delete=auto_delete,
        no_cache=no_cache,
    )
    entry = entries()[type_]
    creation.reject_unsupported(given, entry)
    session = Session.start(ctx, docker_host)
    wait_seconds = None if no_wait else timeout or session.settings.timeout_seconds
    progress = session.output.progress()
    machines = creation.Creation(session, given, entry, wait_seconds, progress).run()
    show_created(session.output, machines, one=count == 1)
    names = ", ".join(machine.name for machine in machines)
    session.output.note(f"created {names} ({progress.summary()})")
