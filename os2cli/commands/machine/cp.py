"""``os2 machine cp``."""

from __future__ import annotations

from typing import Annotated

import typer

from os2cli.app.selection import find_one
from os2cli.app.session import Session
from os2cli.commands import _options as options
from os2cli.machines.copying import copy_in, copy_out
from os2cli.machines.remote_path import RemotePath, check_pair
from os2cli.output.views.copies import show_copy


def copy(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="PATH, or NAME:PATH.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="NAME:PATH, or PATH.")],
    type_: options.OnlyType = None,
    stage: options.WithinStage = None,
    docker_host: options.DockerHost = None,
) -> int:
    """Copy a file or directory into or out of a machine, like cp -r.

    Relative paths in a machine start at its repository. Links are copied as
    links, also those that lead elsewhere; nothing is written through them. A
    slash after a link follows it. Devices, sockets and, out of a machine, pipes
    are left out and named. If a file cannot be read, the others are copied, and
    the exit code is 7.

    [dim]Examples:[/dim]
      os2 machine cp notes.md dev-1:docs/
      os2 machine cp dev-1:/var/log/iterate-server ./logs
    """
    from_, to = RemotePath.parse(source), RemotePath.parse(target)
    name = check_pair(from_, to)
    session = Session.start(ctx, docker_host)
    place = find_one(session, name, type_, stage)
    progress = session.output.progress()
    if to.machine is not None:
        copied = copy_in(place, from_.path, to.path, progress)
    else:
        copied = copy_out(place, from_.path, to.path, progress)
    return show_copy(session.output, source, target, copied)
