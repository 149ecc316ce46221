"""Files in and out: which path is meant, and what a machine can't do to this host."""

from __future__ import annotations

import io
import os
import resource
import signal
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from os2cli.copying import Spot, check_pair, copy_in, copy_out, own_name
from os2cli.errors import NotFound, OperationFailed, Os2Error, UsageError
from os2cli.fleet import Place
from os2cli.interrupts import Interrupted
from os2cli.models import MachineSpec
from tests.contract.memory import MemoryMachines

SPEC = MachineSpec(name="a", stage="dev", snapshot="iterate-sandbox:local")


class Sender(MemoryMachines):
    """A machine that sends what the test says, whatever it is asked for."""

    def __init__(self, *pieces: bytes, ends_with: BaseException | None = None) -> None:
        super().__init__()
        self.pieces = pieces
        self.ends_with = ends_with

    def fetch(self, name: str, path: str) -> Iterator[bytes]:
        del name, path
        yield from self.pieces
        if self.ends_with is not None:
            raise self.ends_with


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """The folder that stands for the machine's."""
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder of this host."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def place(inside: Path) -> Place:
    provider = MemoryMachines(folder=inside)
    return Place(provider.create(SPEC), provider)


def sent_by(provider: MemoryMachines) -> Place:
    return Place(provider.create(SPEC), provider)


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An archive of exactly these members."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, 0o755
    return member


def everything_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


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
        assert Spot.parse(text) == Spot(machine, path)

    def test_exactly_one_side_is_a_machine(self) -> None:
        assert check_pair(Spot("a", "x"), Spot(None, "y")) == "a"
        assert check_pair(Spot(None, "x"), Spot("b", "y")) == "b"
        for pair in ((Spot("a", "x"), Spot("b", "y")), (Spot(None, "x"), Spot(None, "y"))):
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
        self, place: Place, here: Path, inside: Path
    ) -> None:
        (here / "a").write_text("one")

        copy_in(place, here / "a", "b")

        assert (inside / "b").read_text() == "one"

    def test_a_link_keeps_its_own_name_and_stays_one(
        self, place: Place, here: Path, inside: Path
    ) -> None:
        (here / "real").write_text("one")
        (here / "link").symlink_to("real")

        copy_in(place, here / "link", ".")

        assert (inside / "link").readlink() == Path("real")

    def test_of_a_folder_with_a_dot_only_what_is_in_it(
        self, place: Place, here: Path, inside: Path
    ) -> None:
        (here / "a").write_text("one")

        copy_in(place, f"{here}/.", "new")
        copy_in(place, f"{here}/.", ".")

        assert everything_in(inside) == {"a", "new", "new/a"}

    def test_a_target_with_a_slash_has_to_be_a_folder(self, place: Place, here: Path) -> None:
        (here / "a").write_text("one")

        with pytest.raises(NotFound):
            copy_in(place, here / "a", "none/")

    def test_names_that_look_like_options_are_names(self, place: Place, here: Path) -> None:
        (here / "--help").write_text("one")

        copy_in(place, here / "--help", "./-x")
        copy_out(place, "-x", here / "back")

        assert (here / "back").read_text() == "one"

    def test_owners_of_this_host_are_not_told(self, here: Path) -> None:
        got: list[tarfile.TarInfo] = []

        class Keeper(MemoryMachines):
            def send(self, name: str, archive: BinaryIO, folder: str) -> None:
                del name, folder
                with tarfile.open(fileobj=archive) as opened:
                    got.extend(opened.getmembers())

        (here / "a").write_text("one")
        copy_in(sent_by(Keeper()), here, "/tmp/")

        assert {(m.uid, m.gid, m.uname, m.gname) for m in got} == {(0, 0, "", "")}

    def test_what_can_t_be_read_is_named(
        self, place: Place, here: Path, inside: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (here / "locked").write_text("one")

        def denied(name: str, mode: str) -> BinaryIO:
            raise PermissionError(13, "Permission denied", name)

        monkeypatch.setattr(tarfile, "bltn_open", denied)
        with pytest.raises(OperationFailed, match=r"locked can't be copied: Permission denied"):
            copy_in(place, here, "/tmp/")

        assert everything_in(inside) == set()


class TestOutward:
    def test_a_folder_is_named_after_the_target_or_goes_into_it(
        self, place: Place, here: Path, inside: Path
    ) -> None:
        (inside / "logs").mkdir()
        (inside / "logs/a").write_text("one")

        copy_out(place, "logs", here / "new")
        copy_out(place, "logs/", here)

        assert everything_in(here) == {"new", "new/a", "logs", "logs/a"}

    def test_a_folder_that_is_there_gets_the_new_files_too(
        self, place: Place, here: Path, inside: Path
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
        self, place: Place, here: Path, inside: Path, source: str
    ) -> None:
        (inside / "sub").mkdir()
        (inside / "a").write_text("one")

        copy_out(place, source, here)
        copy_out(place, source, here / "new")

        assert everything_in(here) == {"a", "sub", "new", "new/a", "new/sub"}
        mode = (here / "new").stat().st_mode & 0o777
        assert mode == (here / "new/sub").stat().st_mode & 0o777

    def test_a_target_with_a_slash_has_to_be_there(
        self, place: Place, here: Path, inside: Path
    ) -> None:
        (inside / "a").write_text("one")

        with pytest.raises(NotFound):
            copy_out(place, "a", f"{here}/none/")
        with pytest.raises(NotFound):
            copy_out(place, "a", here / "none" / "a")
        copy_out(place, "a", f"{here}/")

        assert everything_in(here) == {"a"}

    def test_a_file_does_not_replace_a_folder_nor_the_other_way_round(
        self, place: Place, here: Path, inside: Path
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

    def test_a_device_is_not_replaced(self, place: Place, here: Path, inside: Path) -> None:
        (inside / "a").write_text("one")
        os.mkfifo(here / "pipe")

        with pytest.raises(UsageError):
            copy_out(place, "a", here / "pipe")

        assert stat.S_ISFIFO((here / "pipe").stat().st_mode)


class TestHostileMachines:
    @pytest.mark.parametrize(
        "members",
        [
            [(entry("x/../../../escaped"), b"!")],
            [(entry("../escaped"), b"!")],
            [(entry("x", tarfile.DIRTYPE), b""), (entry("x/a", tarfile.SYMTYPE, "../.."), b"")],
            [(entry("x", tarfile.SYMTYPE, "/etc"), b""), (entry("x/escaped"), b"!")],
            [(entry("x", tarfile.LNKTYPE, "../secret"), b"")],
            [(entry("x", tarfile.CHRTYPE), b"")],
            [(entry("x", tarfile.FIFOTYPE), b"")],
            [(entry("x"), b"!"), (entry("y"), b"!")],
            [],
        ],
        ids=[
            "dots", "up", "link up", "link away", "hard link", "device", "pipe", "two", "nothing"
        ],
    )  # fmt: skip
    def test_what_leads_elsewhere_is_refused_and_leaves_nothing(
        self, here: Path, tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]
    ) -> None:
        (tmp_path / "secret").write_text("secret")
        before = everything_in(tmp_path)

        with pytest.raises(OperationFailed) as caught:
            copy_out(sent_by(Sender(tar(*members))), "x", here)

        assert (caught.value.code, bool(caught.value.hint)) == ("copy_failed", True)
        assert everything_in(tmp_path) == before

    def test_an_absolute_path_stays_below(self, here: Path, tmp_path: Path) -> None:
        path = str(tmp_path / "escaped")

        with pytest.raises(Os2Error):
            copy_out(sent_by(Sender(tar((entry(path), b"!"), (entry("x"), b"!")))), "x", here)

        assert not (tmp_path / "escaped").exists()

    def test_the_name_that_it_sends_does_not_count(self, here: Path) -> None:
        copy_out(sent_by(Sender(tar((entry(".bashrc"), b"!")))), "/tmp/notes", here)

        assert everything_in(here) == {"notes"}

    def test_nobody_gets_more_rights_and_no_owner(self, here: Path) -> None:
        member = entry("x")
        member.mode, member.uid = 0o6777, 4711

        copy_out(sent_by(Sender(tar((member, b"!")))), "x", here)

        found = (here / "x").stat()
        assert (found.st_mode & 0o7777, found.st_uid) == (0o755, os.getuid())

    @pytest.mark.parametrize("link", ["..", "../mine"], ids=["folder", "file"])
    def test_a_link_of_an_earlier_copy_is_not_followed(self, here: Path, link: str) -> None:
        (here / "mine").write_text("mine")
        first = tar((entry("x", tarfile.DIRTYPE), b""), (entry("x/a", tarfile.SYMTYPE, link), b""))
        copy_out(sent_by(Sender(first)), "x", here)
        name = "x/a/mine" if link == ".." else "x/a"

        with suppress(OperationFailed):
            copy_out(sent_by(Sender(tar((entry(name), b"theirs")))), "x", here)

        assert (here / "mine").read_text() == "mine"

    @pytest.mark.parametrize("data", [b"no tar" * 999, tar((entry("x"), b"!" * 9000))[:5000]])
    def test_what_is_no_whole_archive_leaves_nothing(self, here: Path, data: bytes) -> None:
        with pytest.raises(OperationFailed, match="can't be unpacked"):
            copy_out(sent_by(Sender(data)), "x", here)

        assert everything_in(here) == set()

    def test_what_the_machine_says_counts_for_more_than_how_its_output_ends(
        self, here: Path
    ) -> None:
        said = NotFound("a:x does not exist", hint="look around", code="path_not_found")

        with pytest.raises(NotFound) as caught:
            copy_out(sent_by(Sender(b"", ends_with=said)), "x", here)

        assert caught.value is said


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let no file of this process become larger."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_a_full_disk_is_told_and_leaves_nothing(here: Path) -> None:
    place = sent_by(Sender(tar((entry("x"), b"!" * 200_000))))

    with room_for(100_000), pytest.raises(OperationFailed, match="File too large") as caught:
        copy_out(place, "x", here)

    assert caught.value.code == "copy_failed"
    assert everything_in(here) == set()


def test_interrupted_it_leaves_nothing(here: Path) -> None:
    whole = tar((entry("x"), b"!" * 200_000))
    place = sent_by(Sender(whole[:100_000], ends_with=Interrupted(signal.SIGINT)))

    with pytest.raises(Interrupted):
        copy_out(place, "x", here)

    assert everything_in(here) == set()
