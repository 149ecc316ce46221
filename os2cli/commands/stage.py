"""``os2 stage``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.completions import complete_stage
from os2cli.app.session import Session
from os2cli.core.stage import resolve_stage
from os2cli.output.documents.settings import StageDocument


def stage(
    ctx: typer.Context,
    explicit: Annotated[
        str | None,
        typer.Option(
            "--stage",
            metavar="STAGE",
            autocompletion=complete_stage,
            help="Judge this stage instead.",
        ),
    ] = None,
) -> None:
    """Show the stage, its kind, its snapshot prefix and where it came from."""
    session = Session.start(ctx)
    found = resolve_stage(session.settings.variables, explicit=explicit)

    def write_text() -> None:
        output = session.output
        for label, value in (
            ("stage", found.name),
            ("kind", found.kind.value),
            ("prefix", found.prefix),
            ("from", found.origin),
        ):
            output.line(f"{label:<8}{value}")
        if found.warning:
            output.note(f"warning: {found.warning}")

    session.output.result(StageDocument.of(found), write_text, names=[found.name])
