"""Options that several commands share, declared once."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from os2cli.errors import Os2Error, UsageError
from os2cli.invocation import Invocation
from os2cli.models import MachineType
from os2cli.providers.entry import entries, parse_type

ENGINE = "Engine"
BUILD = "Build"
MACHINE = "Machine"
SNAPSHOT = "Snapshot"
DAYTONA = "Daytona"
LOCAL_DOCKER = "Local Docker"


def complete_stage(incomplete: str) -> list[str]:
    """The stages that begin so: the one that is set here, and those that everybody has."""
    from os2cli.settings import load_settings
    from os2cli.stage import resolve_stage

    known = ["dev", "stg", "prd"]
    with suppress(Os2Error):
        known.insert(0, resolve_stage(load_settings(None).variables).name)
    return [stage for stage in dict.fromkeys(known) if stage.startswith(incomplete)]


def complete_type(incomplete: str) -> list[str]:
    """The types of machines that begin so."""
    return [type_ for type_ in entries() if type_.startswith(incomplete)]


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


def refuse_both(*, no_wait: bool, timeout: float | None) -> None:
    """A time to wait for what is not waited for would change nothing."""
    if no_wait and timeout is not None:
        raise UsageError(
            "--no-wait and --timeout contradict each other",
            hint="leave one of them out",
            code="option_invalid",
        )


_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}


def parse_minutes(text: str | None, option: str, *, off: int) -> int | None:
    """Read a duration such as ``30m``, ``12h`` or ``2d`` in minutes; ``off`` stands for never."""
    if text is None:
        return None
    word = text.strip().lower()
    if word == "off":
        return off
    found = re.fullmatch(r"(\d{1,6})([mhd])", word, re.ASCII)
    if found is None:
        raise UsageError(
            f"{option} {text!r} is no duration",
            hint=f"write it as {option} 30m, 12h, 2d or off",
            code="option_invalid",
        )
    minutes = int(found[1]) * _MINUTES[found[2]]
    if minutes == off:
        raise UsageError(
            f"{option} {text!r} would mean never",
            hint=f"write it as {option} off, or as 1m or longer",
            code="option_invalid",
        )
    return minutes


_SPANS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str, option: str) -> timedelta:
    """Read a span of time such as ``90s``, ``30m``, ``12h`` or ``2d``."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip().lower(), re.ASCII)
    if found is None:
        raise UsageError(
            f"{option} {text!r} is no duration",
            hint=f"write it as {option} 90s, 30m, 12h or 2d",
            code="option_invalid",
        )
    return timedelta(**{_SPANS[found[2]]: int(found[1])})


def parse_since(text: str, now: datetime) -> datetime:
    """Read a span of time until now, or a moment in ISO 8601, as UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            return now - parse_duration(text, "--since")
        except UsageError as error:
            error.hint = "write it as --since 30m, 12h or 2026-01-11T19:30:45Z"
            raise
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def complete_machine(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of machines that begin so; an engine that does not answer offers none."""
    from os2cli.session import Session

    ctx.obj = ctx.obj or Invocation()
    try:
        names = Session.start(ctx).machine_names()
    except Os2Error:
        return []
    return [name for name in names if name.startswith(incomplete)]


ExistingMachine = Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete_machine)]
ExistingMachines = Annotated[
    list[str] | None, typer.Argument(metavar="NAME...", autocompletion=complete_machine)
]


def parse_pairs(values: list[str] | None, option: str) -> dict[str, str]:
    """Read repeated ``KEY=VALUE`` options; a later one wins."""
    pairs = {}
    for value in values or []:
        key, separator, rest = value.partition("=")
        if not separator or not key.strip():
            raise UsageError(
                f"{option} is not of the form KEY=VALUE",
                hint=f"write it as {option} KEY=VALUE",
                code="option_invalid",
            )
        pairs[key.strip()] = rest
    return pairs
