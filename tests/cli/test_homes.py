"""os2 in a home that it cannot use: another user's, a file, or one that is not there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Os2, Result
from tests.daytona_server import DaytonaServer

DENIED = "-dac_override,-dac_read_search"
HOMES = ("denied", "below a denied one", "a file", "below a file", "unwritable", "denied XDG")
READS = (
    ("stage",),
    ("config",),
    ("doctor",),
    ("snapshot", "resolve"),
    ("snapshot", "list"),
    ("machine", "list"),
    ("machine", "list", "--type", "local-process"),
    ("cache", "show"),
    ("analytics", "status"),
)


class Stranger(Os2):
    """The CLI as a user whom permissions stop, which they do not stop root."""

    def argv(self, *arguments: str) -> list[str]:  # type: ignore[override]
        command = [sys.executable, "-P", "-m", "os2cli", *arguments]
        if os.geteuid() != 0:
            return command
        setpriv = shutil.which("setpriv")
        assert setpriv is not None, "the tests need setpriv (util-linux) if root runs them"
        return [setpriv, f"--inh-caps={DENIED}", f"--bounding-set={DENIED}", *command]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A directory, whose permissions are restored for its removal."""
    made = tmp_path / "homes"
    (made / "home/.config/os2").mkdir(parents=True)
    (made / "home/.docker").mkdir()
    (made / "home/.docker/config.json").write_text("{}")
    (made / "home/.config/os2/config.toml").write_text('daytona_target = "moon"\n')
    (made / "file").write_text("")
    yield made
    (made / "home").chmod(0o700)


def environment(kind: str, folder: Path) -> dict[str, str]:
    home = folder / "home"
    home.chmod(0o500 if kind == "unwritable" else 0)
    homes = {
        "denied": home,
        "below a denied one": home / "of/somebody",
        "a file": folder / "file",
        "below a file": folder / "file/home",
        "unwritable": home,
    }
    if kind in homes:
        return {"HOME": str(homes[kind])}
    names = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    return dict.fromkeys(names, str(home))


@pytest.fixture
def stranger(cloud: Os2) -> Stranger:
    return Stranger(cloud.folder, cloud.env)


def warned_once(result: Result, variables: dict[str, str]) -> None:
    assert "unexpected" not in result.stderr, result.stderr
    # A list of all types misses those of the engine, and says so as ever.
    warnings = [w for w in result.stderr.splitlines() if w.startswith("warning: ")]
    (warning,) = (w for w in warnings if not w.startswith("warning: cannot list "))
    for name, value in variables.items():
        assert f"{name}={value}: " in warning


@pytest.mark.parametrize("kind", HOMES)
@pytest.mark.usefixtures("published")
def test_reading_goes_on_with_defaults_and_one_warning(
    kind: str, stranger: Stranger, folder: Path
) -> None:
    env = environment(kind, folder)
    assert stranger("--help", env=env).status == 0
    # One home sees all commands, each other a third, so that every command meets two more.
    at = HOMES.index(kind)
    for command in READS[at % 3 :: 3] if at else READS:
        result = stranger(*command, env=env)
        warned_once(result, env)
        # The doctor finds no engine.
        expected = {("doctor",): {1}, ("snapshot", "list"): {0, 7}, ("machine", "list"): {0, 7}}
        assert result.status in expected.get(command, {0}), (command, result.stderr)


@pytest.mark.parametrize("kind", HOMES)
def test_writing_says_which_directory(
    kind: str, stranger: Stranger, folder: Path, daytona: DaytonaServer
) -> None:
    env = environment(kind, folder)
    place = env.get("XDG_STATE_HOME", env.get("HOME", ""))
    for command in (
        ("machine", "create", "a", "--type", "local-process"),
        ("analytics", "off"),
    ):
        result = stranger(*command, env=env)
        assert result.status == 1, result.stderr
        (error,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
        assert place in error
        assert "XDG_STATE_HOME" in result.stderr
    assert daytona.seen("POST", "/sandbox") == []


def test_settings_that_can_be_read_count(stranger: Stranger, folder: Path) -> None:
    result = stranger("config", "--json", env=environment("unwritable", folder))

    targets = [s["value"] for s in result.json()["settings"] if s["name"] == "daytona_target"]
    assert targets == ["moon"]


def test_a_docker_configuration_of_root_is_left_out(stranger: Stranger, folder: Path) -> None:
    """As ``sudo docker login`` leaves it behind."""
    file = folder / "home/.docker/config.json"
    file.chmod(0)
    env = {"HOME": str(folder / "home"), "DOCKER_HOST": ""}
    result = stranger("machine", "list", "--type", "local-docker", env=env)

    assert result.stderr.count("warning: ") == 1
    assert f"warning: cannot read {file}: permission denied" in result.stderr


def test_no_home_at_all(stranger: Stranger) -> None:
    """A user id without a name, and no HOME: as in a container."""
    script = (
        "import os, sys; os.environ.pop('HOME'); import pwd; "
        "pwd.getpwuid = lambda uid: (_ for _ in ()).throw(KeyError(uid)); "
        "from os2cli.cli import main; sys.exit(main(['stage']))"
    )
    result = stranger.python(script)

    assert (result.status, "unexpected" in result.stderr) == (0, False)
