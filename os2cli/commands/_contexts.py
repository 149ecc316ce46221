"""The command that a failure of the parser belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer


@contextmanager
def failing_for(ctx: Any) -> Iterator[None]:
    """Let a failure to parse name its command, also that of an option without its value."""
    try:
        yield
    except typer.TyperException as error:
        failure: Any = error
        if getattr(failure, "ctx", ctx) is None:
            failure.ctx = ctx
        raise
