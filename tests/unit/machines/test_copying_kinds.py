"""Every kind of entry, copied in both directions: nothing fails as a whole, all left out is named.

A tree of any kinds arrives as ``cp --archive`` copies it, less what is named.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from os2cli.core.errors import NotFound, OperationFailed, UsageError
from os2cli.core.models import Command
from os2cli.core.plain_text import plain_line
from os2cli.host.pseudo_files import pseudo_reason
from os2cli.machines import omissions, packing
from os2cli.machines.copying import Copied, copy_in, copy_out
from os2cli.machines.fleet import LocatedMachine
from os2cli.machines.omissions import Omissions
from os2cli.providers.tar import pack
from os2cli.providers.tar_scripts import PACK_SCRIPT
from tests.contract.memory import MemoryMachines
from tests.progress import RecordedProgress
from tests.unit.copies import SPEC

OLD = 1_700_000_000
KINDS = (
    "file", "program", "empty", "absolute link", "outgoing link", "link", "broken link", "pipe",
    "socket", "hard link", "holes", "setuid", "folder",
)  # fmt: skip
# What a machine's user makes of a copy, and what a copy out leaves out.
ALWAYS_LEFT_OUT, LEFT_OUT_OUTWARD = {"socket"}, {"socket", "pipe"}


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """The directory that stands for the machine's."""
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@pytest.fixture
def place(inside: Path) -> LocatedMachine:
    return located(inside)


def located(folder: Path) -> LocatedMachine:
    provider = MemoryMachines(folder=folder)
    return LocatedMachine(provider.create(SPEC), provider)


def make(path: bytes, kind: str) -> None:
    folder = os.path.dirname(path)  # noqa: PTH120
    match kind:
        case "folder":
            os.mkdir(path)  # noqa: PTH102
        case "absolute link":
            os.symlink("/usr/bin/python3", path)  # noqa: PTH211
        case "outgoing link":
            os.symlink("../../../shared", path)  # noqa: PTH211
        case "link":
            os.symlink(".", path)  # noqa: PTH211
        case "broken link":
            os.symlink("none", path)  # noqa: PTH211
        case "pipe":
            os.mkfifo(path)
        case "socket":
            os.mknod(path, stat.S_IFSOCK | 0o600)
        case "hard link":
            write(folder + b"/one of two", b"same")
            os.link(folder + b"/one of two", path)
        case "holes":
            write(path, b"begin")
            os.truncate(path, 300_000)
        case _:
            write(path, b"" if kind == "empty" else b"content")
            os.chmod(path, {"program": 0o755, "setuid": 0o4755}.get(kind, 0o644))  # noqa: PTH101


def write(path: bytes, content: bytes) -> None:
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(content)


def state(folder: Path) -> dict[bytes, tuple[Any, ...]]:
    """What a copy keeps of everything below."""
    entries: dict[bytes, tuple[Any, ...]] = {}
    root = os.fsencode(folder)
    for parent, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = os.path.join(parent, name)  # noqa: PTH118
            status = os.lstat(path)
            content: Any = None
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:  # noqa: PTH123
                    content = (file.read(), status.st_nlink, int(status.st_mtime))
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)  # noqa: PTH115
            mode = stat.S_IFMT(status.st_mode)
            if stat.S_ISREG(status.st_mode):
                mode |= status.st_mode & 0o755
            entries[os.path.relpath(path, root)] = (mode, content)
    return entries


NAMES = st.one_of(
    st.binary(min_size=1, max_size=30).map(
        lambda name: name.replace(b"/", b"-").replace(b"\0", b"-")
    ),
    st.sampled_from([b"n" * 100, b"n" * 255, "ä".encode(), b"-x", b"a\nb", b"a: b", b"\xff\xfe"]),
).filter(lambda name: name not in (b".", b"..", b"one of two"))
TREES = st.lists(
    st.tuples(st.sampled_from([b"", b"deep/", b"deep/er/"]), NAMES, st.sampled_from(KINDS)),
    max_size=10,
    unique_by=lambda entry: (entry[0], entry[1]),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tree=TREES, inward=st.booleans())
def test_a_tree_arrives_less_what_is_named(
    tmp_path: Path, tree: list[tuple[bytes, bytes, str]], inward: bool
) -> None:
    shutil.rmtree(tmp_path / "work", ignore_errors=True)
    source, target = tmp_path / "work/from/tree", tmp_path / "work/to"
    (source / "deep/er").mkdir(parents=True)
    target.mkdir()
    kinds: dict[bytes, str] = {}
    for folder, name, kind in tree:
        path = folder + name
        if path not in (b"deep", b"deep/er"):
            make(os.fsencode(source) + b"/" + path, kind)
            kinds[path] = kind
    for entry in source.rglob("*"):
        if entry.is_file() and not entry.is_symlink():
            os.utime(entry, (OLD, OLD))

    copied = copied_tree(source, target, inward=inward)

    left_out = ALWAYS_LEFT_OUT if inward else LEFT_OUT_OUTWARD
    missing = {path for path, kind in kinds.items() if kind in left_out}
    before = state(source)
    for path in missing:
        del before[path]
    assert state(target / "tree") == before
    assert copied.omissions.number == len(missing) == len(copied.omissions.items)
    assert not copied.omissions.failed
    assert all(plain_line(str(item)) == str(item) for item in copied.omissions.items)


def copied_tree(source: Path, target: Path, *, inward: bool) -> Copied:
    if inward:
        return copy_in(located(target), source, ".")
    return copy_out(located(source.parent), source.name, target)


@pytest.mark.parametrize("inward", [True, False], ids=["in", "out"])
def test_a_link_with_a_slash_is_followed(tmp_path: Path, inward: bool) -> None:
    source, target = tmp_path / "from", tmp_path / "to"
    (source / "real").mkdir(parents=True)
    target.mkdir()
    (source / "real/a").write_text("one")
    (source / "link").symlink_to("real")

    def copy(path: str, goal: str) -> None:
        if inward:
            copy_in(located(target), f"{source}/{path}", goal)
        else:
            copy_out(located(source), path, target / goal)

    copy("link", ".")
    copy("link/", "named")
    (target / "below").mkdir()
    copy("link/", "below")
    (target / "content").mkdir()
    copy("link/.", "content")
    copy("real/", "dir")

    assert (target / "link").is_symlink()
    for folder in ("named", "below/link", "content", "dir"):
        assert not (target / folder).is_symlink()
        assert (target / folder / "a").read_text() == "one"


def test_a_file_with_a_slash_is_not_a_directory(
    place: LocatedMachine, inside: Path, here: Path
) -> None:
    (inside / "file").write_text("one")
    (here / "own").write_text("one")

    with pytest.raises(UsageError, match=r"a:file/ is not a directory"):
        copy_out(place, "file/", here)
    with pytest.raises(NotFound):
        copy_in(place, f"{here}/own/", ".")


PSEUDO = ("/proc/cpuinfo", "/proc/self/exe", "/proc", "/proc/", "/sys", "/sys/kernel/mm", "/dev",
          "/dev/.", "/dev/null", "/dev/zero", "/dev/stdin", "/dev/pts")  # fmt: skip


@pytest.mark.parametrize("path", PSEUDO)
def test_the_kernel_s_files_are_rejected(place: LocatedMachine, here: Path, path: str) -> None:
    with pytest.raises(UsageError) as inward:
        copy_in(place, path, "x")
    with pytest.raises(UsageError) as outward:
        copy_out(place, path, here)

    for error in (inward.value, outward.value):
        assert "device" in error.message or "kernel" in error.message
        assert error.hint
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("target", ["/proc", "/proc/x", "/sys/kernel/x", "/dev/null"])
def test_nothing_is_copied_to_the_kernel_s_files(
    place: LocatedMachine, here: Path, inside: Path, target: str
) -> None:
    (inside / "a").write_text("one")
    (here / "a").write_text("one")

    with pytest.raises(UsageError):
        copy_out(place, "a", target)
    if target != "/dev/null":
        with pytest.raises(UsageError):
            copy_in(place, here / "a", target)


def test_a_tree_with_a_kernel_file_system_is_copied_without_it(
    place: LocatedMachine, here: Path, inside: Path
) -> None:
    """A mount needs root; the root directory has such mounts for everyone."""
    (inside / "proc").symlink_to("/proc")

    done = subprocess.run(
        ["sh", "-c", f"{FAKE_TAR}{PACK}", "sh", "/", ".", ""], capture_output=True, check=True
    )

    excluded = [word for word in done.stdout.decode().split("\0") if word.startswith("--exclude=")]
    assert "--exclude=./proc" in excluded
    assert b"tar: ./proc: file system of the kernel ignored" in done.stderr


PACK = PACK_SCRIPT.replace("exec tar", "tar")
FAKE_TAR = "tar() { printf '%s\\0' \"$@\"; }\n"


def test_folders_of_any_depth_are_sent(place: LocatedMachine, here: Path, inside: Path) -> None:
    deep = here / "x"
    folder = os.open(here, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("x", dir_fd=folder)
        below = os.open("x", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)

    copy_in(place, deep, ".")

    assert (inside / "x/x/x").is_dir()
    subprocess.run(["rm", "-rf", inside, here], check=True)


def test_a_directory_is_sent_right_before_what_is_in_it(tmp_path: Path) -> None:
    """Else one without leave to write has its mode before what is in it arrives."""
    for file in ("a/b/c", "a/b/d/e", "a/f", "g/h", "i"):
        (tmp_path / "x" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / file).write_text("x")
    packed = io.BytesIO()

    packing.pack(tmp_path / "x", "x", packed)

    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        members = archive.getmembers()
    names = [member.name for member in members]
    for place, member in enumerate(members):
        if member.isdir():
            below = [each for each in names if each.startswith(f"{member.name}/")]
            assert names[place + 1 : place + 1 + len(below)] == below
            assert below


def test_a_directory_that_turns_into_a_link_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x/a").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").touch()

    def replace(path: str, status: os.stat_result) -> str | None:
        # It is a directory for the last time when its members are to be read.
        if path.endswith("/x/b"):
            (tmp_path / "x/a").rmdir()
            (tmp_path / "x/a").symlink_to(tmp_path / "outside")
        return pseudo_reason(path, status)

    (tmp_path / "x/b").touch()
    monkeypatch.setattr(packing, "pseudo_reason", replace)
    packed = io.BytesIO()

    omissions = packing.pack(tmp_path / "x", "x", packed)

    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        assert archive.getnames() == ["x", "x/b"]
    assert str(omissions.items[0]) == "x/a: it was replaced meanwhile"


@pytest.mark.parametrize("kind", ["directory", "fifo"])
def test_a_file_that_turns_into_something_else_is_named(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "x/a"
    file.parent.mkdir()
    (tmp_path / "x/b").touch()
    file.touch()
    before = len(list(Path("/proc/self/fd").iterdir()))

    def replace(event: str, arguments: tuple[object, ...]) -> None:
        # It is a file for the last time when it is to be opened; a hook cannot be removed.
        if event == "open" and arguments[0] == str(file) and file.is_file():
            file.unlink()
            file.mkdir() if kind == "directory" else os.mkfifo(file)

    sys.addaudithook(replace)
    packed = io.BytesIO()

    omissions = packing.pack(tmp_path / "x", "x", packed)

    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        assert archive.getnames() == ["x", "x/b"]
    assert str(omissions.items[0]) == "x/a: it was replaced meanwhile"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


class TestUnreadable:
    @pytest.mark.parametrize("error", [errno.EACCES, errno.EIO, errno.EPERM])
    def test_inward_the_others_are_copied(
        self,
        place: LocatedMachine,
        here: Path,
        inside: Path,
        monkeypatch: pytest.MonkeyPatch,
        error: int,
    ) -> None:
        (here / "tree").mkdir()
        for name in ("a", "locked", "z"):
            (here / "tree" / name).write_text(name)
        refuse(monkeypatch, "locked", error)
        progress = RecordedProgress()

        copied = copy_in(place, here / "tree", ".", progress)

        assert {path.name for path in (inside / "tree").iterdir()} == {"a", "z"}
        assert copied.omissions.failed
        assert progress.warnings == [f"left out tree/locked: {os.strerror(error)}"]

    def test_a_disk_that_fails_amid_a_file_costs_that_file_only(
        self,
        place: LocatedMachine,
        here: Path,
        inside: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (here / "tree").mkdir()
        for name in ("a", "broken", "z"):
            (here / "tree" / name).write_text(name * 1000)

        class Broken(io.FileIO):
            def read(self, count: int | None = -1) -> bytes:
                del count
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        def opening(path: str, mode: str, opener: Callable[[str, int], int]) -> Any:
            kind: Any = Broken if Path(path).name == "broken" else open
            return kind(path, mode, opener=opener)

        monkeypatch.setattr(packing, "open", opening, raising=False)

        copied = copy_in(place, here / "tree", ".")

        assert [item.path for item in copied.omissions.items] == ["tree/broken"]
        assert copied.omissions.failed
        assert (inside / "tree/z").read_text() == "z" * 1000

    def test_alone_it_is_an_error(
        self,
        place: LocatedMachine,
        here: Path,
        inside: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (here / "locked").write_text("one")
        refuse(monkeypatch, "locked", errno.EACCES)

        with pytest.raises(OperationFailed, match=r"cannot copy .*locked: Permission denied"):
            copy_in(place, here / "locked", ".")

        assert list(inside.iterdir()) == []

    def test_what_is_removed_or_changed_meanwhile_is_named(
        self,
        place: LocatedMachine,
        here: Path,
        inside: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (here / "tree").mkdir()
        for name in ("a", "gone", "growing", "shrinking"):
            (here / "tree" / name).write_text("x" * 100_000)
        meanwhile(
            monkeypatch,
            {
                "gone": os.unlink,
                "growing": lambda path: os.truncate(path, 200_000),
                "shrinking": lambda path: os.truncate(path, 10),
            },
        )

        copied = copy_in(place, here / "tree", ".")

        assert [item.path for item in copied.omissions.items] == ["tree/gone"]
        assert "tree/shrinking" in copied.omissions.changed
        assert not copied.omissions.failed
        assert (inside / "tree/a").read_text() == "x" * 100_000

    @pytest.mark.parametrize(
        ("line", "path", "failed"),
        [
            ("tar: x/locked: Cannot open: Permission denied", "x/locked", True),
            ("tar: x/a: b: Cannot open: Permission denied", "x/a: b", True),
            ("tar: x/locked: Cannot savedir: Permission denied", "x/locked", True),
            ("tar: can't open 'x/locked': Permission denied", "can't open 'x/locked'", True),
            ("tar: x/s: socket ignored", "x/s", False),
            ("tar: x/gone: File removed before we read it", "x/gone", False),
            ("tar: something else", "", True),
            ("tar: \x1b]0;x\x07y: socket ignored", "y", False),
        ],
    )
    def test_outward_the_others_are_copied(self, line: str, path: str, failed: bool) -> None:
        said = f"{line}\ntar: Exiting with failure status due to previous errors\n"

        omissions = packed_with(said.encode(), exit_code=2)

        (item,) = omissions.items
        assert (item.path, item.failed) == (path, failed)
        assert str(item).isprintable()

    def test_outward_a_change_does_not_fail(self) -> None:
        omissions = packed_with(b"tar: x/log: file changed as we read it\n", exit_code=1)

        assert (omissions.items, omissions.changed) == ([], ["x/log"])

    def test_an_error_names_what_failed_and_not_what_tar_overlooks(self) -> None:
        said = b"tar: Ignoring unknown extended header keyword 'a'\ntar: x: Cannot mkdir: Full\n"

        with pytest.raises(OperationFailed, match="x: Cannot mkdir: Full"):
            packed_with(said, 2, b"")

    @pytest.mark.parametrize("archive", [b"", bytes(10_240), b"half an archive"])
    def test_outward_without_a_whole_archive_it_is_an_error(self, archive: bytes) -> None:
        with pytest.raises(OperationFailed, match="Permission denied"):
            packed_with(b"tar: x: Cannot open: Permission denied\n", 2, archive)


def test_warnings_have_an_end_and_the_list_is_whole_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    progress, all_ = RecordedProgress(), Omissions()
    monkeypatch.setattr(omissions, "MAX_NAMED", 20)

    for number in range(20):
        all_.add(f"x/{number}", "it is a socket")
    assert all_.is_whole
    all_.add("x/20", "it is a socket")
    all_.report(progress)

    assert (all_.number, len(all_.items), all_.is_whole) == (21, 20, False)
    assert len(progress.warnings) == omissions.MAX_WARNINGS + 1
    assert "11 more" in progress.warnings[-1]


class Tar:
    """The tar of a machine that says and writes what the test says."""

    def __init__(self, archive: bytes, stderr: bytes, exit_code: int) -> None:
        self.archive, self.stderr, self.exit_code = archive, stderr, exit_code

    def output(self, command: Command) -> Generator[bytes]:
        del command
        yield self.archive


def packed_with(
    stderr: bytes, exit_code: int, archive: bytes = b"entries" + bytes(10_240)
) -> Omissions:
    ended: list[Omissions] = []

    def copying() -> Generator[bytes]:
        ended.append((yield from pack(Tar(archive, stderr, exit_code), "a", "x")))

    assert b"".join(copying()) == archive
    return ended[0]


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, error: int) -> None:
    """Let the disk refuse to open a file."""

    def refused(path: str) -> None:
        raise OSError(error, os.strerror(error), path)

    meanwhile(monkeypatch, {name: refused})


def meanwhile(monkeypatch: pytest.MonkeyPatch, actions: dict[str, Callable[[str], None]]) -> None:
    """Let another process do something to files while they are copied."""
    real, real_get = os.open, tarfile.TarFile.gettarinfo

    def opening(path: Any, *args: Any, **options: Any) -> int:
        name = os.path.basename(os.fsdecode(path)) if not isinstance(path, int) else ""  # noqa: PTH119
        if name in actions and name not in ("growing", "shrinking"):
            actions[name](path)
        return real(path, *args, **options)

    def describing(self: Any, path: Any = None, *args: Any) -> Any:
        member = real_get(self, path, *args)
        name = os.path.basename(os.fsdecode(path or b""))  # noqa: PTH119
        if name in actions and name in ("growing", "shrinking"):
            actions[name](path)
        return member

    monkeypatch.setattr(os, "open", opening)
    monkeypatch.setattr(tarfile.TarFile, "gettarinfo", describing)
