"""What a mount shows is searched for secrets: also what git ignores, and git's own settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from os2cli.core.errors import UsageError
from os2cli.snapshots.context import refuse_mounted_secrets
from tests.unit.snapshots.context.conftest import Git, write

TOKEN = "gh" + "p_" + "aB3" * 12


def files(root: Path) -> list[str]:
    with pytest.raises(UsageError, match="look like secrets") as raised:
        refuse_mounted_secrets(root)
    assert raised.value.code == "secrets_in_mount"
    assert "--allow-secrets" in (raised.value.hint or "")
    assert TOKEN not in repr(raised.value.__dict__)
    found: list[str] = raised.value.details["files"]
    return found


def test_a_clean_checkout_is_shown(checkout: Path, git: Git) -> None:
    git(checkout, "remote", "add", "origin", "https://github.com/a/b.git")
    git(checkout, "remote", "add", "other", "git@github.com:a/b.git")
    refuse_mounted_secrets(checkout)


@pytest.mark.parametrize("path", [".env", "app/.env.local", "prod.env", "deep/er/notes.txt"])
def test_a_file_that_git_ignores_is_found(checkout: Path, path: str) -> None:
    write(checkout, {".gitignore": "*", path: f"TOKEN={TOKEN}\n"})
    assert files(checkout) == [path]


@pytest.mark.parametrize(
    "settings",
    [
        ("remote.origin.url", f"https://{TOKEN}@github.com/a/b.git"),
        ("remote.origin.url", f"https://x-access-token:{TOKEN}@github.com/a/b.git"),
        ("remote.origin.pushurl", "https://me:" + "hunter2@git.internal/a.git"),
        ("url.https://me:" + "hunter2@git.internal/.insteadOf", "https://git.internal/"),
        ("http.https://github.com/.extraheader", "AUTHORIZATION: basic eDp5"),
        ("http.proxy", "http://me:" + "hunter2@proxy:3128"),
    ],
)
def test_logins_in_git_s_settings_are_found(
    checkout: Path, git: Git, settings: tuple[str, str]
) -> None:
    git(checkout, "config", *settings)
    assert files(checkout) == [".git/config"]


def test_settings_of_submodules_and_of_repositories_inside_are_found(checkout: Path) -> None:
    url = f'[remote "o"]\n\turl = https://u:{TOKEN}@h/x\n'
    write(
        checkout,
        {
            ".git/modules/vendor/lib/config": url,
            ".git/config.worktree": url,
            ".git/credentials": f"https://u:{TOKEN}@h\n",
            "clone/.git/config": url,
        },
    )
    assert files(checkout) == [
        ".git/config.worktree",
        ".git/credentials",
        ".git/modules/vendor/lib/config",
        "clone/.git/config",
    ]


def test_dependencies_and_what_is_not_a_file_do_not_matter(checkout: Path, tmp_path: Path) -> None:
    write(tmp_path, {"outside": f"TOKEN={TOKEN}"})
    write(checkout, {"node_modules/a/.env": "TOKEN=x", ".venv/lib/x.pem": TOKEN})
    (checkout / ".env").symlink_to(tmp_path / "outside")
    os.mkfifo(checkout / "fifo.env")
    (checkout / "zero.pem").symlink_to("/dev/zero")
    refuse_mounted_secrets(checkout)
