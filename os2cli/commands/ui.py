"""``os2 ui``."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.core.errors import UsageError
from os2cli.core.stage import validate_stage
from os2cli.output.documents.page import PageDocument

# Of the extra `ui`, by what they are imported as.
_NEEDED = ("starlette", "uvicorn", "jinja2", "python_multipart", "websockets")


def ui(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=1, max=65535, metavar="PORT", help="Its port. Default: a free one."
        ),
    ] = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Only print the address; open no browser.")
    ] = False,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Serve a page on this host, in which machines are made, watched and removed.

    The address it prints opens it; it holds a token, and works on this host only. Ctrl-C ends it.

    [dim]Examples:[/dim]
      os2 ui
      os2 ui --port 4100 --no-open
    """
    require_extra()
    # The page needs the extra, which is known to be installed only now.
    from os2cli.ui.page_context import Workplace
    from os2cli.ui.serving import serve

    if stage is not None:
        validate_stage(stage, "--stage")
    session = Session.start(ctx, docker_host)
    output = session.output
    if docker_host is not None:
        # Else the page would say so again and again.
        _ = session.providers.endpoint

    def tell(url: str) -> None:
        output.result(PageDocument.of(url), lambda: output.line(url), names=[url])
        output.note("Ctrl-C ends it")

    serve(
        Workplace(docker_host, stage),
        port,
        tell=tell,
        note=output.note,
        opening=output.interactive and not no_open,
    )


def require_extra() -> None:
    """Raise ``UsageError`` unless what the page is made with is installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the page needs {', '.join(missing)}, which is not installed",
            hint="pip install 'os2[ui]'",
            code="extra_missing",
        )
