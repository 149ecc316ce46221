"""``os2 snapshot wait`` and ``os2 snapshot activate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.models import SnapshotState
from os2cli.core.option_rules import reject_both

if TYPE_CHECKING:
    from pydantic import BaseModel

BUILD_SECONDS, ACTIVATION_SECONDS = 30 * 60.0, 300.0


def wait(
    ctx: typer.Context,
    name: options.ExistingSnapshot,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="For how long at most. Default: 1800."),
    ] = None,
    type_: options.InventoryType = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Wait until a snapshot is active; one whose build failed is an error, with its log's end.

    [dim]Examples:[/dim]
      os2 snapshot wait stg--20260111-193045 --timeout 600
    """
    from os2cli.snapshots.inventory import locate
    from os2cli.snapshots.readiness import wait_until_usable

    session = Session.start(ctx, docker_host)
    entry = locate(session.providers.catalogs(type_), name)
    progress = session.output.progress()
    state = wait_until_usable(entry, timeout or BUILD_SECONDS, progress=progress)
    _show(session, entry.item.name, state, changed=False)


def activate(
    ctx: typer.Context,
    name: options.ExistingSnapshot,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="For how long at most. Default: 300."),
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Return before the snapshot is active.")
    ] = False,
    type_: options.InventoryType = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Bring back a snapshot that Daytona put away because nobody used it for two weeks.

    [dim]Examples:[/dim]
      os2 snapshot activate stg--20260111-193045
    """
    from os2cli.snapshots.inventory import locate
    from os2cli.snapshots.readiness import bring_back

    reject_both("--timeout", timeout is not None, "--no-wait", no_wait)
    session = Session.start(ctx, docker_host)
    entry = locate(session.providers.catalogs(type_), name)
    seconds = None if no_wait else timeout or ACTIVATION_SECONDS
    state, changed = bring_back(entry, seconds, progress=session.output.progress())
    if changed:
        session.forget_resolutions([entry.item.stage])
    else:
        session.output.note(f"{entry.item.name} is active already")
    _show(session, entry.item.name, state, changed=changed)


def _show(session: Session, name: str, state: SnapshotState, *, changed: bool) -> None:
    output = session.output

    def document() -> BaseModel:
        from os2cli.output.documents.inventory import ReadyDocument

        return ReadyDocument(name=name, state=state.value, changed=changed)

    output.result(document, names=[name], human=lambda: output.line(f"{name}  {state.value}"))
