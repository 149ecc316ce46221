"""The error for a build that needs the ``.git`` and does not get one."""

from __future__ import annotations

from os2cli.core.errors import UsageError
from os2cli.core.plain_text import plain_line
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.context import BuildContext
from os2cli.snapshots.dockerfile.git_use import git_use
from os2cli.snapshots.dockerfile.reading import read

_SHOWN_CHARACTERS = 80


def refuse_missing_git(request: BuildRequest, context: BuildContext) -> None:
    """Raise if the Dockerfile copies or mounts a ``.git`` that is not sent.

    Raises:
        UsageError: ``git_not_sent``.
    """
    if request.with_git:
        return
    found = git_use(read(context.dockerfile_text), request.build_args, request.target)
    if found is None:
        return
    shown = plain_line(f"{found.keyword} {found.value}")
    if len(shown) > _SHOWN_CHARACTERS:
        shown = f"{shown[:_SHOWN_CHARACTERS]}…"
    raise UsageError(
        f"{context.dockerfile}, line {found.first + 1}, needs the .git, which is not sent: {shown}",
        hint="send a small one with the history of the branch: --with-git",
        code="git_not_sent",
    )
