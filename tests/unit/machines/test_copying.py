"""Copying in and out: which path is meant, and what happens to existing files."""

from __future__ import annotations

import os
import stat
import tarfile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from os2cli.core.deadline import seconds_left
from os2cli.core.errors import NotFound, OperationFailed, TimedOut, Unreachable, UsageError
from os2cli.core.models import Command, Streams
from os2cli.machines import copying
from os2cli.machines.copying import copy_in, copy_out
from os2cli.machines.fleet import LocatedMachine
from os2cli.machines.provider import MachineProvider
from os2cli.machines.remote_path import RemotePath, check_pair, own_name
from tests.contract.memory import MemoryMachines
from tests.unit.copies import SPEC, everything_in, sent_by


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """The directory that stands for the machine's."""
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@pytest.fixture
def place(inside: Path) -> LocatedMachine:
    provider = MemoryMachines(folder=inside)
    return LocatedMachine(provider.create(SPEC), provider)


class TestSpots:
    @pytest.mark.parametrize(
        ("text", "machine", "path"),
        [
            ("dev-1:/tmp/x", "dev-1", "/tmp/x"),
            ("dev-1:docs/", "dev-1", "docs/"),
            ("dev-1:", "dev-1", "."),
            ("dev-1:a:b", "dev-1", "a:b"),
            ("notes.md", None, "notes.md"),
            ("./a:b", None, "./a:b"),
            ("/tmp/a:b", None, "/tmp/a:b"),
            (":x", None, ":x"),
            (".", None, "."),
        ],
    )
    def test_a_name_before_the_colon_is_a_machine(
        self, text: str, machine: str | None, path: str
    ) -> None:
        assert RemotePath.parse(text) == RemotePath(machine, path)

    def test_exactly_one_side_is_a_machine(self) -> None:
        assert check_pair(RemotePath("a", "x"), RemotePath(None, "y")) == "a"
        assert check_pair(RemotePath(None, "x"), RemotePath("b", "y")) == "b"
        for pair in (
            (RemotePath("a", "x"), RemotePath("b", "y")),
            (RemotePath(None, "x"), RemotePath(None, "y")),
        ):
            with pytest.raises(UsageError) as caught:
                check_pair(*pair)
            assert caught.value.hint

    @pytest.mark.parametrize(
        ("path", "name"),
        [("/a/b", "b"), ("b/", "b"), ("b", "b"), (".", "."), ("..", "."), ("/", "."), ("a/.", ".")],
    )
    def test_the_last_name_of_a_path(self, path: str, name: str) -> None:
        assert own_name(path) == name


class TestInward:
    def test_a_file_gets_the_name_that_was_said(
        self, place: LocatedMachine, here: Path, inside: Path
    ) -> None:
        (here / "a").write_text("one")

        copy_in(place, here / "a", "b")

        assert (inside / "b").read_text() == "one"

    def test_a_link_keeps_its_own_name_and_stays_one(
        self, place: LocatedMachine, here: Path, inside: Path
    ) -> None:
        (here / "real").write_text("one")
        (here / "link").symlink_to("real")

        copy_in(place, here / "link", ".")

        assert (inside / "link").readlink() == Path("real")

    def test_of_a_folder_with_a_dot_only_what_is_in_it(
        self, place: LocatedMachine, here: Path, inside: Path
    ) -> None:
        (here / "a").write_text("one")

        copy_in(place, f"{here}/.", "new")
        copy_in(place, f"{here}/.", ".")

        assert everything_in(inside) == {"a", "new", "new/a"}

    def test_a_target_with_a_slash_must_be_a_directory(
        self, place: LocatedMachine, here: Path
    ) -> None:
        (here / "a").write_text("one")

        with pytest.raises(NotFound):
            copy_in(place, here / "a", "none/")

    def test_names_that_look_like_options_are_names(
        self, place: LocatedMachine, here: Path
    ) -> None:
        (here / "--help").write_text("one")

        copy_in(place, here / "--help", "./-x")
        copy_out(place, "-x", here / "back")

        assert (here / "back").read_text() == "one"

    def test_owners_on_this_host_are_not_sent(self, here: Path) -> None:
        got: list[tarfile.TarInfo] = []

        class Keeper(MemoryMachines):
            def send(self, name: str, archive: BinaryIO, folder: str) -> None:
                del name, folder
                with tarfile.open(fileobj=archive) as opened:
                    got.extend(opened.getmembers())

        (here / "a").write_text("one")
        copy_in(sent_by(Keeper()), here, "/tmp/")

        assert {(m.uid, m.gid, m.uname, m.gname) for m in got} == {(0, 0, "", "")}


class TestOutward:
    def test_a_folder_is_named_after_the_target_or_goes_into_it(
        self, place: LocatedMachine, here: Path, inside: Path
    ) -> None:
        (inside / "logs").mkdir()
        (inside / "logs/a").write_text("one")

        copy_out(place, "logs", here / "new")
        copy_out(place, "logs/", here)

        assert everything_in(here) == {"new", "new/a", "logs", "logs/a"}

    def test_a_folder_that_is_there_gets_the_new_files_too(
        self, place: LocatedMachine, here: Path, inside: Path
    ) -> None:
        for path in (inside / "logs/deep", here / "logs/deep"):
            path.mkdir(parents=True)
        (inside / "logs/deep/new").write_text("new")
        (inside / "logs/both").write_text("new")
        (here / "logs/both").write_text("old")
        (here / "logs/deep/old").write_text("old")

        copy_out(place, "logs", here)

        assert everything_in(here / "logs") == {"both", "deep", "deep/new", "deep/old"}
        assert (here / "logs/both").read_text() == "new"

    @pytest.mark.parametrize("source", [".", "sub/..", "./"])
    def test_of_a_folder_without_a_name_only_what_is_in_it(
        self, place: LocatedMachine, here: Path, inside: Path, source: str
    ) -> None:
        (inside / "sub").mkdir()
        (inside / "a").write_text("one")

        copy_out(place, source, here)
        copy_out(place, source, here / "new")

        assert everything_in(here) == {"a", "sub", "new", "new/a", "new/sub"}
        mode = (here / "new").stat().st_mode & 0o777
        assert mode == (here / "new/sub").stat().st_mode & 0o777

    def test_a_target_with_a_slash_must_exist(
        self, place: LocatedMachine, here: Path, inside: Path
    ) -> None:
        (inside / "a").write_text("one")

        with pytest.raises(NotFound):
            copy_out(place, "a", f"{here}/none/")
        with pytest.raises(NotFound):
            copy_out(place, "a", here / "none" / "a")
        copy_out(place, "a", f"{here}/")

        assert everything_in(here) == {"a"}

    def test_a_file_does_not_replace_a_folder_nor_the_other_way_round(
        self, place: LocatedMachine, here: Path, inside: Path
    ) -> None:
        (inside / "file").write_text("one")
        (inside / "folder").mkdir()
        (here / "file").mkdir()
        (here / "file/kept").write_text("old")
        (here / "folder").write_text("old")

        for name in ("file", "folder"):
            with pytest.raises(OperationFailed) as caught:
                copy_out(place, name, here)
            assert caught.value.code == "copy_failed"

        assert everything_in(here) == {"file", "file/kept", "folder"}

    def test_a_device_is_not_replaced(
        self, place: LocatedMachine, here: Path, inside: Path
    ) -> None:
        (inside / "a").write_text("one")
        os.mkfifo(here / "pipe")

        with pytest.raises(UsageError):
            copy_out(place, "a", here / "pipe")

        assert stat.S_ISFIFO((here / "pipe").stat().st_mode)


class Stopped:
    """A provider whose program writes without an end, or is stopped."""

    def execute(self, name: str, command: Command, streams: Streams) -> int:
        del name, command
        for _ in range(64):
            streams.stdout.write(b"x" * 2**20)
        assert len(cast("BytesIO", streams.stdout).getvalue()) < 2**20
        assert seconds_left() is not None
        raise Unreachable("timed out waiting for the engine")


def stopped() -> LocatedMachine:
    provider = MemoryMachines()
    return LocatedMachine(provider.create(SPEC), cast("MachineProvider", Stopped()))


def test_a_question_that_is_not_answered_in_time_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(copying, "QUESTION_SECONDS", 0.0)

    with pytest.raises(TimedOut, match="waiting for test in machine") as caught:
        copying.is_folder(stopped(), "/x")

    assert caught.value.hint


def test_another_error_of_a_question_stays() -> None:
    with pytest.raises(Unreachable, match="the engine"):
        copying.is_folder(stopped(), "/x")
