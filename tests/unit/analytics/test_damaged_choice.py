"""A stored no that is damaged in any way, or whose directories are, stays a no."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from os2cli.analytics.consent import choose, consent
from os2cli.analytics.parameters import Parameters
from tests.analytics import parameters

KEY = {"POSTHOG_KEY": "phc_x"}
NOBODY = 65534


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def empty(path: Path) -> None:
    path.touch()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a dangling link": lambda path: path.symlink_to(path.with_name("gone")),
    "a dangling link elsewhere": lambda path: path.symlink_to("/nonexistent/x/y"),
    "a link to itself": a_link_to_itself,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a fifo": os.mkfifo,
    "an empty file": empty,
    "a file of bytes": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "a file of zeros": lambda path: path.write_bytes(bytes(4096)),
    "a huge file": lambda path: (empty(path), os.truncate(path, 2**40)),  # type: ignore[func-returns-value]
    "on and more": lambda path: path.write_text("on\nand more"),
}


def refused(tmp_path: Path) -> Parameters:
    found = parameters(tmp_path, **KEY)
    choose(found.folder, on=False)
    return found


@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_anything_instead_of_a_choice_or_its_directories_is_a_no(
    tmp_path: Path, damage: Callable[[Path], object], level: int
) -> None:
    found = refused(tmp_path)
    place = [found.folder / "choice", *(found.folder / "choice").parents][level]
    assert place.is_relative_to(tmp_path)
    remove(place)
    damage(place)

    assert not consent(found, key=found.key).on


def test_a_directory_instead_of_a_choice_is_a_no(tmp_path: Path) -> None:
    found = refused(tmp_path)
    remove(found.folder / "choice")
    (found.folder / "choice").mkdir()

    assert not consent(found, key=found.key).on


@contextmanager
def another_user(folder: Path) -> Iterator[None]:
    """Be one who owns the folder, if this is root, who reads everything."""
    if os.geteuid() != 0:
        yield
        return
    for each in (folder, *folder.rglob("*")):
        os.chown(each, NOBODY, -1)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("place", ["choice", "."])
def test_no_permission_is_a_no(place: str) -> None:
    # Not pytest's directory, which belongs to one user.
    with tempfile.TemporaryDirectory() as name:
        found = refused(Path(name))
        with another_user(Path(name)):
            assert not consent(found, key=found.key).on
            (found.folder / place).chmod(0)

            with pytest.raises(PermissionError):
                (found.folder / "choice").read_bytes()
            assert not consent(found, key=found.key).on
            (found.folder / place).chmod(0o700)


def test_every_flipped_bit_of_a_no_is_a_no(tmp_path: Path) -> None:
    found = refused(tmp_path)
    whole = (found.folder / "choice").read_bytes()
    for place in range(len(whole) * 8):
        content = bytearray(whole)
        content[place // 8] ^= 1 << place % 8
        (found.folder / "choice").write_bytes(content)

        assert not consent(found, key=found.key).on, content


def test_no_choice_at_all_is_none(tmp_path: Path) -> None:
    found = parameters(tmp_path, **KEY)

    assert consent(found, key=found.key).on
    found.folder.mkdir(parents=True)
    assert consent(found, key=found.key).on


@pytest.mark.parametrize("variable", ["OS2_TELEMETRY", "DO_NOT_TRACK"])
@pytest.mark.parametrize("value", [" ", "\t", "\n", "nope", "\udcff", "2", "ja", "1;0"])
def test_a_variable_that_cannot_be_understood_is_a_no(
    tmp_path: Path, variable: str, value: str
) -> None:
    found = parameters(tmp_path, **KEY, **{variable: value})
    choose(found.folder, on=True)

    assert not consent(found, key=found.key).on
