"""``os2 analytics``: what is sent about the use of os2, and whether."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands._declare import Os2Command, new_app

app = new_app("See what is sent about your use of os2, turn it on or off, and log out.")


@app.command("status", cls=Os2Command)
def status(ctx: typer.Context) -> None:
    """Show whether usage is sent, why, where, as whose, and how the last deliveries went.

    [dim]Examples:[/dim]
      os2 analytics status
      os2 analytics status --json | jq .waiting
    """
    from os2cli.analytics.status import look
    from os2cli.output.views.analytics import show_status

    session = Session.start(ctx)
    session.analytics.parameters.check_host()
    show_status(session.output, look(session.analytics.parameters))


@app.command("on", cls=Os2Command)
def on(ctx: typer.Context) -> None:
    """Let usage be sent, as long as a key is set: also after off, and under CI.

    DO_NOT_TRACK=1 and OS2_TELEMETRY=0 count for more.

    [dim]Examples:[/dim]
      os2 analytics on
    """
    from os2cli.analytics.status import turn_on
    from os2cli.output.views.analytics import show_consent

    session = Session.start(ctx)
    session.analytics.parameters.check_host()
    show_consent(session.output, turn_on(session.analytics.parameters), wanted=True)


@app.command("off", cls=Os2Command)
def off(ctx: typer.Context) -> None:
    """Send nothing more, and drop what was not sent yet.

    [dim]Examples:[/dim]
      os2 analytics off
    """
    from os2cli.analytics.status import turn_off
    from os2cli.output.views.analytics import show_consent

    session = Session.start(ctx)
    show_consent(session.output, turn_off(session.analytics.parameters), wanted=False)


@app.command("reset", cls=Os2Command)
def reset(ctx: typer.Context) -> None:
    """Log out: take a new random id, and forget groups, address and Daytona's id.

    [dim]Examples:[/dim]
      os2 analytics reset
    """
    from os2cli.analytics import status
    from os2cli.output.views.analytics import show_identity

    session = Session.start(ctx)
    show_identity(session.output, status.reset(session.analytics.parameters))


@app.command("show", cls=Os2Command)
def show(
    ctx: typer.Context,
    last: Annotated[
        int, typer.Option("--last", "-n", min=1, max=100, metavar="N", help="How many.")
    ] = 10,
) -> None:
    """Print the last events exactly as they were sent, the oldest first.

    [dim]Examples:[/dim]
      os2 analytics show
      os2 analytics show -n 1 --json | jq .events
    """
    from os2cli.analytics.deliveries import last_delivered
    from os2cli.analytics.recording import spool_of
    from os2cli.output.views.analytics import show_sent

    session = Session.start(ctx)
    folder = session.analytics.parameters.folder
    show_sent(session.output, last_delivered(folder)[-last:], len(spool_of(folder).waiting()))
