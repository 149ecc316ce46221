"""The SSH agents of a build: ``--ssh default`` or ``--ssh NAME=SOCKET``, written as for Docker."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from os2cli.core.errors import UsageError

_VARIABLE = "SSH_AUTH_SOCK"


def read_agents(
    options: Sequence[str], lookup: Callable[[str], str | None], folder: Path
) -> dict[str, Path]:
    """Return the sockets of agents by the id that mounts use; a later one wins.

    ``lookup`` returns a variable's value on this host; paths are relative to ``folder``. An id
    alone is for the agent of ``SSH_AUTH_SOCK``.

    Raises:
        UsageError: an option is malformed (``option_invalid``), or there is no agent
            (``ssh_agent_missing``).
    """
    agents = {}
    for option in options:
        name, separator, path = option.partition("=")
        if not name or (separator and not path):
            raise UsageError(
                "--ssh: expected NAME or NAME=SOCKET",
                hint="write it as --ssh default",
                code="option_invalid",
            )
        source = path or lookup(_VARIABLE)
        if not source:
            raise UsageError(
                f"--ssh: no SSH agent runs here: {_VARIABLE} is not set",
                hint='start one: eval "$(ssh-agent)" && ssh-add',
                code="ssh_agent_missing",
            )
        agents[name] = _socket(folder / source)
    return agents


def _socket(path: Path) -> Path:
    try:
        kind = path.stat().st_mode
    except OSError as error:
        raise UsageError(
            f"--ssh: cannot reach the SSH agent: {error.strerror}",
            hint='start one: eval "$(ssh-agent)" && ssh-add',
            code="ssh_agent_missing",
        ) from error
    if not stat.S_ISSOCK(kind):
        raise UsageError(
            "--ssh: not the socket of an SSH agent",
            hint="load a key into an agent: ssh-add FILE; and name the agent: --ssh default",
            code="option_invalid",
        )
    return path
