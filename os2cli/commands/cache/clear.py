"""``os2 cache clear``."""

from __future__ import annotations

import typer

from os2cli.app.session import Session
from os2cli.core.errors import OperationFailed
from os2cli.output.documents.cache import ClearedDocument


def clear(ctx: typer.Context) -> None:
    """Clear the cache; the next resolution asks Daytona."""
    session = Session.start(ctx)
    cache, output = session.snapshot_cache, session.output
    try:
        count = cache.clear()
    except OSError as error:
        raise OperationFailed(
            f"cannot clear {cache.folder}: {error.strerror}",
            hint="check its permissions, or remove the directory",
        ) from error

    word = "resolution" if count == 1 else "resolutions"
    output.result(ClearedDocument(cleared=count), lambda: output.line(f"cleared {count} {word}"))
