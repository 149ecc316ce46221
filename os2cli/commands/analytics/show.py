"""``os2 analytics show``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.analytics.deliveries import last_delivered
from os2cli.analytics.recording import spool_of
from os2cli.app.session import Session
from os2cli.output.views.analytics import show_sent


def show(
    ctx: typer.Context,
    last: Annotated[
        int, typer.Option("--last", "-n", min=1, max=100, metavar="N", help="Number of events.")
    ] = 10,
) -> None:
    """Print the last events exactly as they were sent, the oldest first.

    [dim]Examples:[/dim]
      os2 analytics show
      os2 analytics show -n 1 --json | jq .events
    """
    session = Session.start(ctx)
    folder = session.analytics.parameters.folder
    show_sent(session.output, last_delivered(folder), last, len(spool_of(folder).waiting()))
