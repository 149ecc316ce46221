"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from os2cli.commands._completions import (
    complete_machine,
    complete_snapshot,
    complete_stage,
    complete_type,
)
from os2cli.core.errors import UsageError
from os2cli.core.models import MachineType
from os2cli.providers.entry import entries, parse_type

ENGINE = "Engine"
BUILD = "Build"
MACHINE = "Machine"
SNAPSHOT = "Snapshot"
DAYTONA = "Daytona"
ON_THIS_HOST = "On this host"


DockerHost = Annotated[
    str | None,
    typer.Option(
        "--docker-host",
        metavar="URL",
        help="Docker engine to use. Default: DOCKER_HOST, the Docker context, a known socket.",
        rich_help_panel=ENGINE,
    ),
]
Repo = Annotated[
    Path | None,
    typer.Option(
        "--repo",
        metavar="FOLDER",
        help="Repository to build from. Default: the checkout around this folder.",
        rich_help_panel=BUILD,
    ),
]
Dockerfile = Annotated[
    str | None,
    typer.Option(
        "--dockerfile",
        metavar="PATH",
        help="Dockerfile below the repository. Default: OS2_DOCKERFILE, sandbox/Dockerfile.",
        rich_help_panel=BUILD,
    ),
]
Tag = Annotated[
    str | None,
    typer.Option(
        "--tag",
        metavar="NAME",
        help="Image name. Default: LOCAL_DOCKER_IMAGE_NAME, iterate-sandbox:local.",
        rich_help_panel=BUILD,
    ),
]
BaseImage = Annotated[
    str | None,
    typer.Option(
        "--base-image",
        metavar="NAME",
        help="Image to build on. Default: BASE_IMAGE, the Dockerfile's own.",
        rich_help_panel=BUILD,
    ),
]
BuildArg = Annotated[
    list[str] | None,
    typer.Option(
        "--build-arg",
        metavar="KEY=VALUE",
        help="Value of an ARG of the Dockerfile. Repeatable.",
        rich_help_panel=BUILD,
    ),
]
AllowSecrets = Annotated[
    bool,
    typer.Option(
        "--allow-secrets",
        help="Send files that look like secrets to the build.",
        rich_help_panel=BUILD,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.1,
        help="How long to wait for the machine to be healthy. Default: OS2_TIMEOUT, 120.",
        rich_help_panel=MACHINE,
    ),
]
Stage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        autocompletion=complete_stage,
        help="Stage it belongs to. Default: dev-$ITERATE_USER, APP_STAGE.",
        rich_help_panel=MACHINE,
    ),
]

OnlyStage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        autocompletion=complete_stage,
        help="Only machines of this stage.",
    ),
]
SnapshotStage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        autocompletion=complete_stage,
        help="Stage of the snapshot. Default: dev-$ITERATE_USER, APP_STAGE.",
        rich_help_panel=SNAPSHOT,
    ),
]
OnlyType = Annotated[
    MachineType | None,
    typer.Option(
        "--type",
        parser=parse_type,
        metavar="TYPE",
        autocompletion=complete_type,
        help="Only machines of this type. Default: all that are set up here.",
    ),
]
Type = Annotated[
    MachineType,
    typer.Option(
        "--type",
        parser=parse_type,
        metavar="TYPE",
        autocompletion=complete_type,
        help=f"Where it runs: {', '.join(entries())}.",
        rich_help_panel=MACHINE,
    ),
]
WithinStage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        autocompletion=complete_stage,
        help="Stage that it belongs to. Default: dev-$ITERATE_USER, APP_STAGE.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
NoCache = Annotated[
    bool,
    typer.Option(
        "--no-cache", help="Ask Daytona, whatever the cache knows.", rich_help_panel=DAYTONA
    ),
]


def reject_both(*, no_wait: bool, timeout: float | None) -> None:
    """A time to wait for what is not waited for would change nothing."""
    if no_wait and timeout is not None:
        raise UsageError(
            "--no-wait and --timeout contradict each other",
            hint="leave one of them out",
            code="option_invalid",
        )


def reject_without(option: str, given: bool, other: str, present: bool) -> None:
    """An option that changes nothing without another one is an error then."""
    if given and not present:
        raise UsageError(
            f"{option} changes nothing without {other}",
            hint=f"leave it out, or add {other}",
            code="option_invalid",
        )


ExistingMachine = Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete_machine)]
ExistingMachines = Annotated[
    list[str] | None, typer.Argument(metavar="NAME...", autocompletion=complete_machine)
]


ExistingSnapshot = Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete_snapshot)]
ExistingSnapshots = Annotated[
    list[str], typer.Argument(metavar="NAME...", autocompletion=complete_snapshot)
]
InventoryType = Annotated[
    MachineType | None,
    typer.Option(
        "--type",
        parser=parse_type,
        metavar="TYPE",
        autocompletion=complete_type,
        help="Only what machines of this type are made from. Default: all that are set up here.",
    ),
]
