"""``os2 analytics reset``."""

from __future__ import annotations

import typer

from os2cli.analytics import status
from os2cli.app.session import Session
from os2cli.output.views.analytics import show_identity


def reset(ctx: typer.Context) -> None:
    """Log out: forget the id, groups and address, and start with a new random id.

    [dim]Examples:[/dim]
      os2 analytics reset
    """
    session = Session.start(ctx)
    show_identity(session.output, status.reset(session.analytics.parameters))
