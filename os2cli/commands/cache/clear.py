"""``os2 cache clear``."""

from __future__ import annotations

import typer

from os2cli.app.session import Session
from os2cli.core.errors import OperationFailed
from os2cli.output.documents.cache import ClearedDocument


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

    word = "answer" if count == 1 else "answers"
    output.result(ClearedDocument(cleared=count), lambda: output.line(f"cleared {count} {word}"))
