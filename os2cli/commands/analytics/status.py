"""``os2 analytics status``."""

from __future__ import annotations

import typer

from os2cli.analytics.status import look
from os2cli.app.session import Session
from os2cli.output.views.analytics import show_status


def status(ctx: typer.Context) -> None:
    """Show whether and where usage is sent, and how the last deliveries went.

    [dim]Examples:[/dim]
      os2 analytics status
      os2 analytics status --json | jq .waiting
    """
    session = Session.start(ctx)
    session.analytics.parameters.check_host()
    show_status(session.output, look(session.analytics.parameters))
