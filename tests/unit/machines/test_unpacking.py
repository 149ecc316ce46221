"""Archives that a machine sends: of any shape, from any tar, on any Python that os2 runs on."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from os2cli.core.errors import OperationFailed
from os2cli.machines import tar_reader
from os2cli.machines.copying import copy_out
from os2cli.machines.staging import PREFIX
from os2cli.machines.tar_headers import InvalidTar
from os2cli.machines.tar_reader import TarReader
from os2cli.machines.tarball import Packed
from os2cli.machines.unpacking import unpack
from tests.progress import RecordedProgress
from tests.pythons import interpreters
from tests.unit.copies import Sender, entry, everything_in, sent_by, tar

FORMATS = {
    "ustar": tarfile.USTAR_FORMAT,
    "gnu": tarfile.GNU_FORMAT,
    "pax": tarfile.PAX_FORMAT,
}
OWN_TIME = 1_700_000_000


State = dict[str, tuple[int, int, str | bytes | None]]


def below(folder: Path) -> list[Path]:
    """Return all that is in a directory; ``rglob`` before Python 3.12 fails at a long link."""
    return sorted(
        Path(parent, name)
        for parent, folders, files in os.walk(folder)
        for name in (*folders, *files)
    )


def state_of(folder: Path) -> State:
    """Everything about the files below a directory; a link is not followed."""
    state: State = {}
    for path in below(folder):
        found = path.lstat()
        content: str | bytes | None = None
        links = 0 if stat.S_ISDIR(found.st_mode) else found.st_nlink
        if stat.S_ISLNK(found.st_mode):
            content = str(path.readlink())
        elif stat.S_ISREG(found.st_mode):
            content = path.read_bytes()
        state[str(path.relative_to(folder))] = (found.st_mode, links, content)
    return state


# Few names, so that entries meet each other.
NAMES = st.sampled_from(
    ["x", "x/a", "x/A", "x/b", "x/a/b", "x/a/b/c", "./x/b", "x//a", "/x/a", "x/../x/a", "../own",
     "x/b/../../../own", "x/\x1b]0;title\x07", "x/a\nb", "", ".", "x/" + "n" * 300]
)  # fmt: skip
TARGETS = st.sampled_from(
    ["a", "b", "x/a", "x/b", ".", "..", "../..", "../own", "../../own", "/", "/etc", "{outside}",
     "{outside}/own", "x/a/own", "", "n" * 5000]
)  # fmt: skip
TYPES = st.sampled_from(
    [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE,
     tarfile.FIFOTYPE, tarfile.CONTTYPE]
)  # fmt: skip
MEMBERS = st.lists(st.tuples(NAMES, TYPES, TARGETS, st.integers(0, 0o7777)), max_size=8)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(members=MEMBERS, format_=st.sampled_from(sorted(FORMATS)), twice=st.booleans())
def test_no_sequence_of_entries_changes_anything_outside(
    tmp_path: Path, members: list[tuple[str, bytes, str, int]], format_: str, twice: bool
) -> None:
    shutil.rmtree(tmp_path / "around", ignore_errors=True)
    outside, here = tmp_path / "around/outside", tmp_path / "around/outside/here"
    here.mkdir(parents=True)
    (outside / "own").write_text("own")
    before = state_of(outside)
    file = io.BytesIO()
    # No format holds every name.
    with (
        suppress(ValueError),
        tarfile.open(fileobj=file, mode="w", format=FORMATS[format_]) as archive,
    ):
        for name, kind, target, mode in members:
            member = entry(name, kind, target.format(outside=outside))
            member.mode = mode
            data = b"theirs" if kind in (tarfile.REGTYPE, tarfile.CONTTYPE) else b""
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

    for _ in range(2 if twice else 1):
        failed = True
        with suppress(OperationFailed):
            copy_out(sent_by(Sender(file.getvalue())), "x", here)
            failed = False

    after = state_of(outside)
    brought = {name for name in after if name.startswith("here/")}
    assert {name: state for name, state in after.items() if name not in brought} == before
    assert all(name.split("/")[1] == "x" for name in brought)
    assert not any(PREFIX in name for name in brought)
    if failed and not twice:
        assert not brought
    for name in brought:
        mode = after[name][0]
        assert stat.S_ISLNK(mode) or not mode & 0o7022
        assert stat.S_ISLNK(mode) or stat.S_ISREG(mode) or stat.S_ISDIR(mode)


Members = list[tuple[tarfile.TarInfo, bytes]]


def beyond_path_max(then: Callable[[str], Members]) -> bytes:
    """CVE-2025-4517: links whose resolved path is too long for ``realpath`` to see.

    ``then`` gets the link that leads to the parent of where the archive is unpacked.
    """
    name, path = "d" * 247, ""
    members: Members = []
    for step in "abcdefghijklmnop":
        members += [
            (entry(f"x/{path}{name}", tarfile.DIRTYPE), b""),
            (entry(f"x/{path}{step}", tarfile.SYMTYPE, name), b""),
        ]
        path += f"{name}/"
    short = "x/" + "/".join("abcdefghijklmnop")
    up = f"{short}/{'l' * 254}"
    members += [(entry(up, tarfile.SYMTYPE, "../" * 16), b""), *then(f"{up}/../..")]
    return tar(*members)


ATTACKS = {
    "beyond PATH_MAX, through a link": beyond_path_max(
        lambda up: [(entry("x/out", tarfile.SYMTYPE, up[2:]), b""), (entry("x/out/own"), b"theirs")]
    ),
    "beyond PATH_MAX, by a hard link": beyond_path_max(
        lambda up: [
            (entry("x/out", tarfile.SYMTYPE, f"{up[2:]}/own"), b""),
            (entry("x/hard", tarfile.LNKTYPE, "x/out"), b""),
            (entry("x/hard"), b"theirs"),
        ]
    ),
    "beyond PATH_MAX, the mode of a directory": beyond_path_max(
        lambda up: [
            (entry("x/out", tarfile.SYMTYPE, up[2:]), b""),
            (entry("x/out", tarfile.DIRTYPE), b""),
        ]
    ),
    "through a link": tar((entry("x", tarfile.SYMTYPE, ".."), b""), (entry("x/own"), b"theirs")),
    "over a link": tar((entry("x", tarfile.SYMTYPE, "../own"), b""), (entry("x"), b"theirs")),
    "through two links": tar(
        (entry("x", tarfile.DIRTYPE), b""),
        (entry("x/a", tarfile.SYMTYPE, "."), b""),
        (entry("x/a/b", tarfile.SYMTYPE, "../.."), b""),
        (entry("x/a/b/own"), b"theirs"),
    ),
    "a link to a hard link": tar(
        (entry("x", tarfile.SYMTYPE, "../own"), b""),
        (entry("y", tarfile.LNKTYPE, "x"), b""),
        (entry("y"), b"theirs"),
    ),
    "mode of what a link leads to": tar(
        (entry("x", tarfile.SYMTYPE, "../own"), b""), (entry("x", tarfile.DIRTYPE), b"")
    ),
    "parts": tar((entry("x/../../own"), b"theirs")),
    "absolute": tar((entry("/own"), b"theirs")),
}


PYTHONS = {".".join(map(str, version)): python for version, python in interpreters().items()}
UNPACK = """
import io, os, sys
from os2cli.machines.tar_headers import InvalidTar
from os2cli.machines.tar_reader import TarReader
from os2cli.machines.tarball import Packed
from os2cli.machines.unpacking import unpack
try:
    unpack(TarReader(io.BytesIO(sys.stdin.buffer.read())), os.open(".", os.O_RDONLY))
except InvalidTar:
    sys.exit(3)
"""


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("version", PYTHONS)
def test_no_python_lets_an_archive_out(tmp_path: Path, version: str, attack: str) -> None:
    around = tmp_path / "around"
    (around / "in").mkdir(parents=True)
    (around / "own").write_text("own")
    before = state_of(around)

    done = subprocess.run(
        [PYTHONS[version], "-P", "-c", UNPACK],
        input=ATTACKS[attack],
        cwd=around / "in",
        env={"PYTHONPATH": str(Path(tar_reader.__file__).parents[2])},
        check=False,
    )

    assert done.returncode in (0, 3)
    after = state_of(around)
    assert {name: after[name] for name in after if not name.startswith("in/")} == before


def pax(records: bytes, size: int | None = None) -> bytes:
    """A header with records for the next entry."""
    member = entry("pax", tarfile.XHDTYPE)
    member.size = len(records) if size is None else size
    return member.tobuf() + records + bytes(-len(records) % 512)


def header(kind: bytes, size: int) -> bytes:
    member = entry("x", kind)
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def negative(kind: bytes) -> bytes:
    block = bytearray(entry("x", kind).tobuf())
    block[124:136] = b"\xff" * 12
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


ENDLESS = repeat(bytes(range(1, 255)) * 256)
ENDS: dict[str, Iterator[bytes] | list[bytes]] = {
    "POSIX header": chain([header(tarfile.XHDTYPE, 2**40)], ENDLESS),
    "global header": chain([header(tarfile.XGLTYPE, 2**40)], ENDLESS),
    "long name": chain([header(tarfile.GNUTYPE_LONGNAME, 2**40)], ENDLESS),
    "long link": chain([header(tarfile.GNUTYPE_LONGLINK, 2**40)], ENDLESS),
    "chain of headers": repeat(pax(b"11 path=ab\n")),
    "chain of long names": repeat(header(tarfile.GNUTYPE_LONGNAME, 2) + b"x\0" + bytes(510)),
    "chain of global headers": repeat(header(tarfile.XGLTYPE, 0)),
    "GNU's file with holes": chain([header(tarfile.GNUTYPE_SPARSE, 2**50)], ENDLESS),
    "POSIX's file with holes": chain([pax(b"22 GNU.sparse.major=1\n")], ENDLESS),
    "a file that fits on no disk": chain([header(tarfile.REGTYPE, 2**59)], ENDLESS),
    "a size beyond all": chain([pax(b"30 size=99999999999999999999\n")], ENDLESS),
    "a link with content": chain([header(tarfile.SYMTYPE, 2**40)], ENDLESS),
    "a negative size": chain([negative(tarfile.REGTYPE)], ENDLESS),
    "a header of a negative size": chain([negative(tarfile.XHDTYPE)], ENDLESS),
    "a record of no length": [pax(b"0 path=ab\n")],
    "a record of a negative length": [pax(b"-9 path=ab\n")],
    "a record without an end": [pax(b"999999 path=ab\n")],
    "a record without a number": [pax(b"x" * 600_000)],
    "a path of 1 MB": [pax(b"1000010 path=" + b"a/" * 499_998 + b"\n")],
    "a path with a NUL": [pax(b"12 path=a\0b\n"), header(tarfile.REGTYPE, 0)],
    "an unknown type": [header(b"Z", 0)],
    "not a tar": ENDLESS,
    "nothing": [],
    "zeros after half an entry": [pax(b"11 path=ab\n"), bytes(1024)],
}


@pytest.mark.parametrize("what", ENDS)
def test_a_hostile_header_ends_the_copy_at_once_and_takes_no_memory(here: Path, what: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(OperationFailed) as caught:
            copy_out(sent_by(Sender(*_at_most(ENDS[what], 300))), "x", here)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (caught.value.code, bool(caught.value.hint)) == ("copy_failed", True)
    assert everything_in(here) == set()
    # The sender's own 300 pieces are not counted: they are made before.
    assert peak < 60_000_000


def _at_most(pieces: Iterator[bytes] | list[bytes], count: int) -> list[bytes]:
    return [piece for piece, _ in zip(pieces, range(count), strict=False)]


class Endless(Sender):
    """A machine that never ends what it sends."""

    def __init__(self, first: bytes, then: bytes) -> None:
        super().__init__()
        self.first, self.then = first, then
        self.sent, self.closed = 0, False

    def fetch(self, name: str, path: str) -> Packed:
        del name, path
        try:
            yield self.first
            while True:
                self.sent += len(self.then)
                yield self.then
        finally:
            self.closed = True


@pytest.mark.parametrize("first", [tar((entry("x"), b"!")), b"no tar" * 999], ids=["good", "bad"])
def test_what_comes_after_the_archive_has_an_end(here: Path, first: bytes) -> None:
    machine = Endless(first, b"\0" * 65_536)

    try:
        copy_out(sent_by(machine), "x", here)
    except OperationFailed:
        assert everything_in(here) == set()
    else:
        assert (here / "x").read_text() == "!"

    assert machine.sent < 2_000_000
    assert machine.closed


def test_entries_are_counted(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_reader, "MAX_ENTRIES", 20)
    members = [(entry("x", tarfile.DIRTYPE), b"")]
    members += [(entry(f"x/{number}"), b"") for number in range(20)]

    with pytest.raises(OperationFailed, match="more than 20 entries"):
        copy_out(sent_by(Sender(tar(*members))), "x", here)
    copy_out(sent_by(Sender(tar(*members[:20]))), "x", here)

    assert len(everything_in(here)) == 20


NAME = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 250)
CONTENT = st.one_of(
    st.binary(max_size=2000),
    st.tuples(st.sampled_from(["/usr/bin/python3", "../x", "a", "/" + "l" * 300]), st.none()),
)
TREES = st.recursive(CONTENT, lambda inner: st.dictionaries(NAME, inner, max_size=4), max_leaves=12)


def make(path: Path, tree: object) -> None:
    if isinstance(tree, dict):
        path.mkdir()
        for name, inner in tree.items():
            make(path / name, inner)
    elif isinstance(tree, tuple):
        path.symlink_to(tree[0])
    else:
        assert isinstance(tree, bytes)
        path.write_bytes(tree)
        os.utime(path, (OWN_TIME, OWN_TIME))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tree=TREES, format_=st.sampled_from(["gnu", "posix", "ustar", "oldgnu", "v7"]))
def test_what_a_tar_packs_arrives_as_it_was(tmp_path: Path, tree: object, format_: str) -> None:
    for name in ("from", "to"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        (tmp_path / name).mkdir()
    make(tmp_path / "from/x", tree)
    command = ["tar", "-c", "-f", "-", f"--format={format_}", "-C", str(tmp_path / "from"), "x"]
    packed = subprocess.run(command, capture_output=True, check=False)
    if packed.returncode != 0:
        assert format_ in ("ustar", "v7")  # these know no long names
        return

    copy_out(sent_by(Sender(packed.stdout)), "x", tmp_path / "to")

    assert state_of(tmp_path / "to") == state_of(tmp_path / "from")
    for path in below(tmp_path / "to"):
        if not path.is_symlink() and path.is_file():
            assert path.stat().st_mtime == OWN_TIME


def test_a_virtual_environment_is_copied_and_its_links_are_named(here: Path) -> None:
    members = [
        (entry("venv", tarfile.DIRTYPE), b""),
        (entry("venv/bin", tarfile.DIRTYPE), b""),
        (entry("venv/bin/python3", tarfile.SYMTYPE, "/usr/bin/python3"), b""),
        (entry("venv/bin/python", tarfile.SYMTYPE, "python3"), b""),
        (entry("venv/other", tarfile.SYMTYPE, "../../shared"), b""),
        (entry("venv/pyvenv.cfg"), b"home = /usr/bin\n"),
    ]
    progress = RecordedProgress()

    copy_out(sent_by(Sender(tar(*members))), "venv", here, progress)

    assert str((here / "venv/bin/python3").readlink()) == "/usr/bin/python3"
    assert str((here / "venv/other").readlink()) == "../../shared"
    assert (here / "venv/pyvenv.cfg").read_text() == "home = /usr/bin\n"
    said = "venv/bin/python3 -> /usr/bin/python3 and 1 more"
    assert any(said in line for line in progress.notices)


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_what_is_not_a_file_is_left_out_and_named(here: Path, kind: bytes) -> None:
    members = [
        (entry("x", tarfile.DIRTYPE), b""),
        (entry("x/\x1b]0;pipe\x07", kind), b""),
        (entry("x/file"), b"!"),
    ]
    progress = RecordedProgress()

    copy_out(sent_by(Sender(tar(*members))), "x", here, progress)

    assert everything_in(here) == {"x", "x/file"}
    (warning,) = progress.warnings
    assert warning.isprintable()


def test_hard_links_stay_links(here: Path) -> None:
    members = [
        (entry("x", tarfile.DIRTYPE), b""),
        (entry("x/a"), b"one"),
        (entry("x/b", tarfile.LNKTYPE, "x/a"), b""),
    ]

    copy_out(sent_by(Sender(tar(*members))), "x", here)

    assert (here / "x/b").read_text() == "one"
    assert (here / "x/a").stat().st_ino == (here / "x/b").stat().st_ino


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_modes_follow_the_umask_and_let_no_one_else_write(here: Path, umask: int) -> None:
    folder, file = entry("x", tarfile.DIRTYPE), entry("x/a")
    folder.mode = file.mode = 0o7777
    before = os.umask(umask)
    try:
        copy_out(sent_by(Sender(tar((folder, b""), (file, b"!")))), "x", here)
    finally:
        os.umask(before)

    for path in (here / "x", here / "x/a"):
        assert path.stat().st_mode & 0o7777 == 0o755 & ~umask


def test_two_names_that_are_one_here_are_not_merged(tmp_path: Path) -> None:
    # What a file system that ignores case makes of ``A`` and ``a``.
    archive = tar((entry("x"), b"one"), (entry("x"), b"two"))
    root = os.open(tmp_path, os.O_RDONLY)

    try:
        with pytest.raises(InvalidTar, match="two entries"):
            unpack(TarReader(io.BytesIO(archive)), root)
    finally:
        os.close(root)

    assert (tmp_path / "x").read_text() == "one"
