"""``os2 config``."""

from __future__ import annotations

import typer

from os2cli.app.session import Session
from os2cli.output.views.settings import show_settings


def config(ctx: typer.Context) -> None:
    """Show every setting with its value and origin.

    The values of secrets are hidden.

    [dim]Examples:[/dim]
      os2 config
      os2 config --json | jq '.settings[] | select(.origin != "default")'
    """
    session = Session.start(ctx)
    show_settings(session.output, session.settings)
