"""``os2 analytics on`` and ``os2 analytics off``."""

from __future__ import annotations

import typer

from os2cli.analytics.status import turn_off, turn_on
from os2cli.app.session import Session
from os2cli.output.views.analytics import show_consent


def on(ctx: typer.Context) -> None:
    """Send usage if a PostHog key is set, also in CI.

    DO_NOT_TRACK=1 and OS2_TELEMETRY=0 take precedence.

    [dim]Examples:[/dim]
      os2 analytics on
    """
    session = Session.start(ctx)
    session.analytics.parameters.check_host()
    show_consent(session.output, turn_on(session.analytics.parameters), wanted=True)


def off(ctx: typer.Context) -> None:
    """Stop sending usage, and drop what was not sent yet.

    [dim]Examples:[/dim]
      os2 analytics off
    """
    session = Session.start(ctx)
    show_consent(session.output, turn_off(session.analytics.parameters), wanted=False)
