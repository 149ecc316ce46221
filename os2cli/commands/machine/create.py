"""``os2 machine create``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from os2cli import options
from os2cli.errors import UsageError
from os2cli.machine_env import machine_environment
from os2cli.machine_name import validate_machine_name
from os2cli.machines import create_machine
from os2cli.models import MachineSpec, MachineType, Resources
from os2cli.session import Session
from os2cli.settings import variable_here
from os2cli.snapshots import ensure_image
from os2cli.views.machines import show_machine_line


def create(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A new name is made up without it.")
    ] = None,
    type_: Annotated[
        MachineType, typer.Option("--type", help="Where it runs.", rich_help_panel=options.MACHINE)
    ] = MachineType.LOCAL_DOCKER,
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
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            help="Port on this host. Default: a free one.",
            rich_help_panel=options.MACHINE,
        ),
    ] = None,
    cpu: Annotated[
        float | None,
        typer.Option(
            min=0.01, metavar="CPUS", help="Limit of CPUs.", rich_help_panel=options.MACHINE
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="Limit of memory, e.g. 2g.", rich_help_panel=options.MACHINE
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
    mount_repo: Annotated[
        bool,
        typer.Option(
            "--mount-repo",
            help="Let the machine read this working tree instead of the image's copy.",
            rich_help_panel=options.MACHINE,
        ),
    ] = False,
    stage: options.Stage = None,
    no_wait: Annotated[
        bool,
        typer.Option(
            "--no-wait",
            help="Return before the machine is healthy.",
            rich_help_panel=options.MACHINE,
        ),
    ] = False,
    timeout: options.Timeout = None,
    build: Annotated[
        bool,
        typer.Option(
            "--build",
            help="Bring the image up to date first.",
            rich_help_panel=options.BUILD,
        ),
    ] = False,
    allow_secrets: options.AllowSecrets = False,
    docker_host: options.DockerHost = None,
) -> None:
    """Create a machine and wait until it is healthy.

    The image is built first when it is missing.

    [dim]Examples:[/dim]
      os2 machine create
      os2 machine create dev-1 -e OPENAI_API_KEY --memory 4g
      os2 machine create dev-2 --json | jq -r .url
    """
    if no_wait and timeout is not None:
        raise UsageError(
            "--no-wait and --timeout contradict each other",
            hint="leave one of them out",
            code="option_invalid",
        )
    session = Session.start(ctx, docker_host)
    source = session.source()
    spec = MachineSpec(
        name=validate_machine_name(name) if name else "",
        stage=session.stage(stage).name,
        snapshot=session.settings.image,
        env=machine_environment(env or [], env_file or [], variable_here),
        labels=user_labels(label),
        owner=session.owner,
        port=port,
        resources=Resources(cpu, parse_memory(memory)),
        mount_repo=session.repository if mount_repo else None,
    )
    progress = session.output.progress()
    request = session.build_request(source, allow_secrets=allow_secrets)
    image = ensure_image(session.providers.builder(), request, rebuild=build, progress=progress)
    session.tell_origin(source, image)
    wait_seconds = None if no_wait else timeout or session.settings.timeout_seconds
    machine = create_machine(
        session.providers.machines(type_), spec, wait_seconds=wait_seconds, progress=progress
    )
    show_machine_line(session.output, machine)
    session.output.note(f"created {machine.name} ({progress.summary()})")


def user_labels(values: list[str] | None) -> dict[str, str]:
    """The user's own labels; ours can't be given."""
    labels = options.parse_pairs(values, "--label")
    for key in labels:
        if key.startswith("dev.os2."):
            raise UsageError(
                f"--label {key}: names that begin with dev.os2. are os2's own",
                hint="choose another name for the label",
                code="option_invalid",
            )
    return labels


def parse_memory(text: str | None) -> int | None:
    """Read ``512m``, ``2g`` or a number of bytes."""
    if text is None:
        return None
    from docker.errors import DockerException
    from docker.utils import parse_bytes

    try:
        size = int(parse_bytes(text))
    except (DockerException, ValueError, OverflowError):
        size = 0
    if size < 6 * 1024 * 1024:
        raise UsageError(
            f"--memory {text} is no usable amount of memory",
            hint="write it as 512m or 2g; engines want at least 6m",
            code="option_invalid",
        )
    return size
