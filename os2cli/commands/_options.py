"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from os2cli.app.completions import complete_stage, complete_type
from os2cli.app.machine_options import MachineOptions
from os2cli.app.options import DeclaredOption, declared_options
from os2cli.commands._completions import complete_machine, complete_snapshot
from os2cli.core.limits import Isolation
from os2cli.core.models import MachineType
from os2cli.providers.entry import parse_type

# Panels of the help, beside those in ``app.machine_options``.
BUILD = "Build"
SNAPSHOT = "Snapshot"


def machine_option(name: str, panel: str | None = None) -> Any:
    """Return the Typer option for a field of ``MachineOptions``."""
    by_name = {option.name: option for option in declared_options(MachineOptions)}
    return _typer_option(by_name[name], panel)


def _typer_option(option: DeclaredOption, panel: str | None = None) -> Any:
    spec = option.spec
    if spec.positional:
        return typer.Argument(metavar=spec.metavar, help=spec.help)
    return typer.Option(
        *option.flags,
        metavar=spec.metavar,
        help=spec.help,
        rich_help_panel=panel or spec.panel,
        min=spec.minimum,
        max=spec.maximum,
        parser=spec.parser,
        autocompletion=spec.completion,
    )


def takes_machine_options(
    command: Callable[[typer.Context, MachineOptions], None],
) -> Callable[..., None]:
    """Give a command the options of ``MachineOptions``."""

    @wraps(command)
    def with_options(ctx: typer.Context, **values: Any) -> None:
        command(ctx, MachineOptions(**values))

    parameters = [
        Parameter(
            option.name,
            Parameter.KEYWORD_ONLY,
            default=option.default,
            annotation=Annotated[option.annotation, _typer_option(option)],
        )
        for option in declared_options(MachineOptions)
    ]
    context = Parameter("ctx", Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    with_options.__signature__ = Signature([context, *parameters])  # type: ignore[attr-defined]
    return with_options


DockerHost = Annotated[str | None, machine_option("docker_host")]
Timeout = Annotated[float | None, machine_option("timeout")]
Stage = Annotated[str | None, machine_option("stage")]
Build = Annotated[bool, machine_option("build", BUILD)]
AllowSecrets = Annotated[bool, machine_option("allow_secrets", BUILD)]
WithGit = Annotated[bool, machine_option("with_git", BUILD)]
HowIsolated = Annotated[Isolation | None, machine_option("isolation")]
NoCache = Annotated[bool, machine_option("no_cache")]
Repo = Annotated[
    Path | None,
    typer.Option(
        "--repo",
        metavar="FOLDER",
        help="Repository to build from. Default: the one around the current directory.",
        rich_help_panel=BUILD,
    ),
]
Dockerfile = Annotated[
    str | None,
    typer.Option(
        "--dockerfile",
        metavar="PATH",
        help="Dockerfile, relative to the repository. Default: OS2_DOCKERFILE, sandbox/Dockerfile.",
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
        metavar="KEY[=VALUE]",
        help="Value for an ARG of the Dockerfile, by default the variable's of this shell; kept in "
        "the image, unlike --secret. Repeatable.",
        rich_help_panel=BUILD,
    ),
]
Secret = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="id=NAME[,src=PATH|,env=NAME]",
        help="Secret for RUN --mount=type=secret: a file or a variable of this shell, by default "
        "the one with the id; empty if the variable is not set. Neither the image nor its key "
        "holds it. Repeatable.",
        rich_help_panel=BUILD,
    ),
]
Ssh = Annotated[
    list[str] | None,
    typer.Option(
        "--ssh",
        metavar="NAME[=SOCKET]",
        help="SSH agent for RUN --mount=type=ssh, by default the one of SSH_AUTH_SOCK: --ssh "
        "default. Repeatable.",
        rich_help_panel=BUILD,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="STAGE",
        help="Stage of the Dockerfile to build. Default: the last.",
        rich_help_panel=BUILD,
    ),
]
Pull = Annotated[
    bool,
    typer.Option(
        "--pull",
        help="Build even if nothing changed, on the images that registries have now.",
        rich_help_panel=BUILD,
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
        help="Only machines of this type. Default: every type that is set up.",
    ),
]
WithinStage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        autocompletion=complete_stage,
        help="Stage of the machine. Default: dev-$ITERATE_USER, APP_STAGE.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


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
        help="Only images or snapshots of this type. Default: every type that is set up.",
    ),
]
