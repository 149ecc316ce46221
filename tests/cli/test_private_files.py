"""Everything that os2 leaves on the disk belongs to its user alone, under any umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from os2cli.host.forwarding_page import forwarding_page
from os2cli.host.private_files import create_file
from os2cli.providers.daytona.machines.gateway_keys import GatewayKeys
from os2cli.providers.local_docker.images.build_logs import BuildLogs
from os2cli.ui.wire.log import logging_to
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


def keep_gateway_key(folder: Path) -> None:
    GatewayKeys("ssh.test", 22, folder / "known_hosts").settings(folder)


def log_build(folder: Path) -> None:
    with BuildLogs(folder).recording("key", "image:tag"):
        pass


def log_server(folder: Path) -> None:
    with logging_to(folder):
        pass


def show_page(folder: Path) -> None:
    with forwarding_page("", folder / "home", folder):
        pass


def keep_key(folder: Path) -> None:
    create_file(folder / "key", b"")


@pytest.mark.parametrize(
    "write",
    [keep_gateway_key, log_build, log_server, show_page, keep_key],
    ids=lambda f: f.__name__,
)
def test_no_directory_of_ours_is_open_to_others(
    write: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os2cli.host.forwarding_page.SNAPS", tmp_path / "none")
    monkeypatch.setattr("os2cli.host.forwarding_page.RUNTIME", tmp_path / "none")
    before = os.umask(0)
    try:
        write(tmp_path / "new/state/os2")
    finally:
        os.umask(before)

    assert open_to_others(tmp_path / "new") == []
