"""A command in UTF-8 gives a program exactly the bytes of the original one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from os2cli.core.models import Command
from os2cli.core.parsing import is_utf8
from os2cli.providers.any_bytes import in_utf8

WORD = st.binary(max_size=40).map(lambda text: os.fsdecode(text.replace(b"\0", b"")))


def output_of(command: Command) -> bytes:
    return subprocess.run(command.argv, capture_output=True, check=True).stdout


@settings(max_examples=60)
@given(st.lists(WORD, max_size=4))
@example(["\udcff\n\n", "", "\\0101", "-n", "%b", "$(exit 1)'\"", "é"])
def test_every_byte_arrives(words: list[str]) -> None:
    command = in_utf8(Command(("printf", "%s\\0", "\udcff", *words)))

    assert all(map(is_utf8, command.argv))
    assert output_of(command) == b"".join(os.fsencode(word) + b"\0" for word in ("\udcff", *words))


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "\udcff\n"
    folder.mkdir()
    command = in_utf8(Command(("pwd",), {}, str(folder)))

    assert command.folder is None
    assert output_of(command) == os.fsencode(folder) + b"\n"


def test_a_command_in_utf8_stays_as_it_is() -> None:
    command = Command(("printf", "é☃"), {"A": "b"}, "/ü")

    assert in_utf8(command) is command


def test_a_missing_program_has_its_exit_code() -> None:
    argv = in_utf8(Command(("no-such-program\udcff",))).argv

    assert subprocess.run(argv, capture_output=True, check=False).returncode == 127


@pytest.mark.parametrize("text", ["", "é☃\U0001f600", "\ufffd", "\ue000", "\x00"])
def test_text_of_other_planes_is_utf8(text: str) -> None:
    assert is_utf8(text)
