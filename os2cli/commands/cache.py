"""``os2 cache``: the answers of past resolutions that are kept on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from os2cli.app.session import Session
from os2cli.commands._declare import Os2Command, new_app
from os2cli.core.errors import OperationFailed

if TYPE_CHECKING:
    from pydantic import BaseModel

app = new_app("Look at and clear the cache of snapshot resolutions.")


@app.command("show", cls=Os2Command)
def show(ctx: typer.Context) -> None:
    """Show the answers that would be used now."""
    session = Session.start(ctx)
    cache, output = session.snapshot_cache, session.output
    entries = cache.entries()

    def document() -> BaseModel:
        from os2cli.output.documents.snapshots import CacheDocument

        return CacheDocument.of(cache)

    def human() -> None:
        if not entries:
            output.note(f"nothing is cached in {cache.folder}")
            return
        output.table(
            ("STAGE", "SNAPSHOT", "ACCOUNT", "LEFT"),
            [(e.stage, e.snapshot.name, e.account, f"{e.seconds_left:.0f} s") for e in entries],
            dispensable=("ACCOUNT",),
        )

    output.result(document, names=[e.snapshot.name for e in entries], human=human)


@app.command("clear", cls=Os2Command)
def clear(ctx: typer.Context) -> None:
    """Forget all answers: the next resolution asks Daytona."""
    session = Session.start(ctx)
    cache, output = session.snapshot_cache, session.output
    try:
        count = cache.clear()
    except OSError as error:
        raise OperationFailed(
            f"{cache.folder} can't be cleared: {error.strerror}",
            hint="try again; when it stays so, change its permissions or remove it",
        ) from error

    def document() -> BaseModel:
        from os2cli.output.documents.snapshots import ClearedDocument

        return ClearedDocument(cleared=count)

    word = "answer" if count == 1 else "answers"
    output.result(document, human=lambda: output.line(f"cleared {count} {word}"))
