"""The directories of settings, state and cache, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from os2cli.settings.directories import Directories


def test_directories_that_can_be_made_need_no_warning(tmp_path: Path) -> None:
    found = Directories.of({"HOME": str(tmp_path / "new/home")})

    assert (found.warning, found.readable) == (None, True)
    assert found.state == tmp_path / "new/home/.local/state/os2"


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_home_that_is_a_file_is_named_once(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    home = tmp_path / place

    warning = Directories.of({"HOME": str(home)}).warning

    assert warning is not None
    assert warning.count(f"HOME={home}: ") == 1
    assert warning.endswith("; os2 keeps nothing there")


def test_each_variable_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    environ = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(file), "XDG_CACHE_HOME": str(file)}

    warning = Directories.of(environ).warning or ""

    assert f"XDG_STATE_HOME={file}: " in warning
    assert f"XDG_CACHE_HOME={file}: " in warning
    assert "HOME={tmp_path}" not in warning


def test_without_a_home_and_a_name_there_is_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)

    assert Directories.of({}).home == Path("/")
