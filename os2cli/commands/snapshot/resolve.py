"""``os2 snapshot resolve``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import NotFound
from os2cli.machines.launch import report_newer
from os2cli.output.documents.snapshots import ResolutionDocument
from os2cli.output.views.snapshots import show_candidates
from os2cli.snapshots.resolution import resolve_cached


def resolve(
    ctx: typer.Context,
    stage: options.SnapshotStage = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show every candidate and its verdict. Skips the cache."),
    ] = False,
    no_cache: options.NoCache = False,
) -> None:
    """Print the name of the stage's newest active snapshot.

    Cached for 5 minutes (OS2_CACHE_TTL), except for development stages.

    [dim]Examples:[/dim]
      os2 snapshot resolve --stage stg
      os2 snapshot resolve --explain
    """
    session = Session.start(ctx)
    resolution = resolve_cached(
        session.providers.snapshots(),
        session.remote_stage(stage, changing=False),
        session.snapshot_cache,
        session.settings.daytona.fingerprint,
        use_cache=not (explain or no_cache),
    )

    def write_text() -> None:
        if explain:
            show_candidates(session.output, resolution)
        else:
            session.output.line(resolution.required())

    if not explain:
        resolution.required()
        report_newer(resolution, session.output.progress())
    session.output.result(
        ResolutionDocument.of(resolution),
        write_text,
        names=[resolution.name] if resolution.name else [],
    )
    if explain and resolution.name is None:
        if session.output.invocation.json:
            # The document says so already, and must be the only one.
            raise typer.Exit(NotFound.exit_code)
        resolution.required()
