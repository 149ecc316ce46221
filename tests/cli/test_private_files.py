"""Everything that os2 leaves on the disk belongs to its user alone, under any umask."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.command import Os2
from tests.daytona_server import DaytonaServer
from tests.posthog_server import PostHogServer

TYPE = ("--type", "local-process")
COMMANDS = (
    ("machine", "create", "a", *TYPE, "-e", "SECRET=x"),
    ("machine", "stop", "a", *TYPE),
    ("machine", "start", "a", *TYPE),
    ("machine", "exec", "a", *TYPE, "--", "true"),
    ("analytics", "on"),
    ("snapshot", "resolve"),
    ("cache", "show"),
)


def open_to_others(root: Path) -> list[str]:
    """Return what others can read, write or enter, links aside."""
    return [
        f"{stat.S_IMODE(path.lstat().st_mode):o} {path.relative_to(root)}"
        for path in (root, *root.rglob("*"))
        if not path.is_symlink() and path.lstat().st_mode & 0o077
    ]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_no_file_of_any_command_is_open_to_others(
    cloud: Os2, daytona: DaytonaServer, posthog: PostHogServer, umask: int, tmp_path: Path
) -> None:
    assert daytona.url
    home = tmp_path / "home"
    tracked = {"POSTHOG_KEY": "phc_x", "POSTHOG_HOST": posthog.url}
    os2 = replace(cloud, env={**cloud.env, **tracked})
    before = os.umask(umask)
    try:
        for command in COMMANDS:
            done = os2(*command)
            assert done.status == 0, (command, done.stderr)
        left = [*open_to_others(home / ".local"), *open_to_others(home / ".cache")]
    finally:
        os.umask(before)
        os2("machine", "rm", "--all", "--yes", *TYPE)

    assert left == []
