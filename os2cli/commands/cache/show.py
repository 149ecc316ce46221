"""``os2 cache show``."""

from __future__ import annotations

import typer

from os2cli.app.session import Session
from os2cli.output.documents.cache import CacheDocument


def show(ctx: typer.Context) -> None:
    """Show the cached resolutions that are still valid."""
    session = Session.start(ctx)
    cache, output = session.snapshot_cache, session.output
    entries = cache.entries()

    def write_text() -> None:
        if not entries:
            output.note(f"the cache is empty: {cache.folder}")
            return
        output.table(
            ("STAGE", "SNAPSHOT", "ACCOUNT", "LEFT"),
            [(e.stage, e.snapshot.name, e.account, f"{e.seconds_left:.0f} s") for e in entries],
            dispensable=("ACCOUNT",),
        )

    output.result(CacheDocument.of(cache), write_text, names=[e.snapshot.name for e in entries])
