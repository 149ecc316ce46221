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

# The modules of the extra `ui`.
_NEEDED = ("starlette", "uvicorn", "jinja2", "python_multipart", "websockets")


def ui(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=1,
            max=65535,
            metavar="PORT",
            help="Port to serve on. Default: any free port.",
        ),
    ] = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the URL without opening a browser.")
    ] = False,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> None:
    """Serve a local web UI to create, watch and remove machines.

    Open the printed URL, which works once and on this host only. Ctrl-C stops it.

    [dim]Examples:[/dim]
      os2 ui
      os2 ui --port 4100 --no-open
    """
    require_extra()
    # The web UI needs the extra, which may be missing until here.
    from os2cli.ui.serving import Surroundings, serve

    if stage is not None:
        validate_stage(stage, "--stage")
    session = Session.start(ctx, docker_host)
    output = session.output
    if docker_host is not None:
        # Reports an invalid URL once, here, not on every request.
        _ = session.providers.endpoint

    def tell(url: str) -> None:
        output.result(PageDocument.of(url), lambda: output.line(url), names=[url])
        output.note("press Ctrl-C to stop")

    serve(
        docker_host,
        stage,
        port,
        Surroundings(session.settings.home, session.settings.state_dir, tell, output.note),
        opening=output.interactive and not no_open,
    )


def require_extra() -> None:
    """Raise ``UsageError`` unless the extra ``ui`` is installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"the web UI requires {', '.join(missing)}",
            hint="install the extra: pip install 'os2[ui]'",
            code="extra_missing",
        )
