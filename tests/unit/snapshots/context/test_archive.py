"""The tar stream and its digest: complete, and equal for equal directories."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from os2cli.core.errors import OperationFailed, UsageError
from os2cli.snapshots.context import BuildContext, EntryKind, collect
from os2cli.snapshots.context.archive import MODIFIED
from tests.unit.snapshots.context.conftest import DOCKERFILE, Git, write

LONG = "/".join(["n" * 60] * 5)
NAMES = ["short", LONG, "n" * 100, "m" * 101, "é" * 60, "caf\udce9", "new\nline"]


def context_of(root: Path) -> BuildContext:
    return collect(root, Path("Dockerfile"))


def tar_of(root: Path) -> bytes:
    return b"".join(context_of(root).stream())


@pytest.fixture
def varied(folder: Path) -> Path:
    """Create files of all kinds, names and modes."""
    for index, name in enumerate(NAMES):
        write(folder, {os.fsdecode(os.fsencode(name)): f"{index}" * index * 300})
    write(folder, {"run": "#!/bin/sh\n"}).joinpath("run").chmod(0o755)
    (folder / "empty").mkdir()
    (folder / "dangling").symlink_to("nowhere")
    (folder / "far").symlink_to("t" * 150)
    return folder


def test_tarfile_gives_the_tree_back(varied: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_of(varied)), errors="surrogateescape") as tar:
        members = {member.name: member for member in tar}
        for entry in context_of(varied).entries:
            member = members.pop(entry.path)
            assert member.mode == entry.mode
            assert (member.mtime, member.uid, member.gid) == (MODIFIED, 0, 0)
            assert (member.uname, member.gname) == ("", "")
            assert member.isfile() == (entry.kind is EntryKind.FILE)
            assert member.isdir() == (entry.kind is EntryKind.FOLDER)
            assert (member.linkname if member.issym() else None) == entry.target
            if content := tar.extractfile(member) if member.isfile() else None:
                assert content.read() == (varied / entry.path).read_bytes()
    assert members == {}


def test_gnu_tar_gives_the_tree_back(varied: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    command = ["tar", "--extract", "--preserve-permissions", "--directory", str(unpacked)]
    done = subprocess.run(command, input=tar_of(varied), capture_output=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")
    assert context_of(unpacked) == BuildContext(
        unpacked, "Dockerfile", context_of(varied).entries, ()
    )
    assert context_of(unpacked).digest() == context_of(varied).digest()


def test_file_beyond_8_gib_has_its_size(folder: Path) -> None:
    size = 8 * 1024**3 + 5
    with (folder / "A").open("wb") as sparse:
        sparse.truncate(size)
    start = next(context_of(folder).stream())
    assert tarfile.TarInfo.frombuf(start[:512], "utf-8", "strict").size == size


def test_chunks_are_neither_tiny_nor_huge(folder: Path) -> None:
    write(folder, {f"d/{index}": "x" * 5000 for index in range(400)})
    write(folder, {"big": b"x" * 3_000_000})
    chunks = [len(chunk) for chunk in context_of(folder).stream()]
    assert min(chunks[:-1]) >= 512 * 1024
    assert max(chunks) <= 1024 * 1024 + 1024
    assert sum(chunks) % 10240 == 0


def test_memory_stays_flat(folder: Path) -> None:
    with (folder / "sparse").open("wb") as sparse:
        sparse.truncate(200 * 1024**2)
    context = context_of(folder)
    tracemalloc.start()
    try:
        context.digest()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024**2


def test_two_clones_are_equal_despite_umask_and_times(
    checkout: Path, tmp_path: Path, git: Git
) -> None:
    write(checkout, {"src/a": "1", "run": "1", "b-c": "1", "b/c": "1"})
    (checkout / "run").chmod(0o755)
    (checkout / "link").symlink_to("src")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "second")
    clones = tmp_path / "one", tmp_path / "deeper" / "two"
    for clone, mask, moment in zip(clones, (0o077, 0o002), (1, 1_700_000_000), strict=True):
        before = os.umask(mask)
        try:
            git(checkout, "clone", "-q", str(checkout), str(clone))
        finally:
            os.umask(before)
        for place in sorted(clone.rglob("*"), reverse=mask == 0o077):
            os.utime(place, (moment, moment), follow_symlinks=False)
    assert tar_of(clones[0]) == tar_of(clones[1])
    assert context_of(clones[0]).digest() == context_of(clones[1]).digest()


def test_digest_is_that_of_a_known_tree(folder: Path) -> None:
    """Guard against changed bytes, which would rebuild the image of every user once."""
    write(folder, {"d/a": "1"})
    (folder / "link").symlink_to("d")
    assert context_of(folder).digest() == KNOWN_DIGEST


KNOWN_DIGEST = "ae024b51495387120b7562d101f5ac00d79fb1cc30ec6b8ada3f1a7b49f77b53"


def _content(root: Path) -> None:
    write(root, {"d/a": "2"})


def _mode(root: Path) -> None:
    (root / "d" / "a").chmod(0o755)


def _path(root: Path) -> None:
    (root / "d" / "a").rename(root / "d" / "b")


def _target(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("e")


def _kind(root: Path) -> None:
    (root / "link").unlink()
    write(root, {"link": ""})


def _empty_folder(root: Path) -> None:
    (root / "new").mkdir()


def _moved_boundary(root: Path) -> None:
    write(root, {"d/a": "", "d/b": "1"})


@pytest.mark.parametrize(
    "change", [_content, _mode, _path, _target, _kind, _empty_folder, _moved_boundary]
)
def test_digest_names_every_change(folder: Path, change: Callable[[Path], None]) -> None:
    write(folder, {"d/a": "1"})
    (folder / "link").symlink_to("d")
    before = context_of(folder).digest()
    change(folder)
    assert context_of(folder).digest() != before


TREES = st.dictionaries(
    st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h", "é"]), st.binary(max_size=20), max_size=6
)


@settings(max_examples=25)
@given(one=TREES, other=TREES)
def test_digests_are_equal_exactly_for_equal_trees(
    tmp_path_factory: pytest.TempPathFactory,
    one: dict[str, str | bytes],
    other: dict[str, str | bytes],
) -> None:
    def digest(tree: dict[str, str | bytes]) -> str:
        root = tmp_path_factory.mktemp("tree")
        return context_of(write(root, {"Dockerfile": DOCKERFILE, **tree})).digest()

    assert (digest(one) == digest(other)) == (one == other)
    assert digest(dict(reversed(one.items()))) == digest(one)


def _grow(place: Path) -> None:
    with place.open("ab") as file:
        file.write(b"more")


def _shrink(place: Path) -> None:
    os.truncate(place, 3)


def _remove(place: Path) -> None:
    place.unlink()


def _rewrite(place: Path) -> None:
    place.write_bytes(b"y" * place.stat().st_size)
    os.utime(place, (1, 1))


def _become_link(place: Path) -> None:
    same_content_size_and_time = place.rename(place.with_name("other"))
    place.symlink_to(same_content_size_and_time)


def _become_fifo(place: Path) -> None:
    place.unlink()
    os.mkfifo(place)


def _become_folder(place: Path) -> None:
    place.unlink()
    place.mkdir()


@pytest.mark.parametrize(
    "change", [_grow, _shrink, _remove, _rewrite, _become_link, _become_fifo, _become_folder]
)
def test_changed_file_stops_the_stream(folder: Path, change: Callable[[Path], None]) -> None:
    write(folder, {"d/file": b"x" * 2_000_000})
    context = context_of(folder)
    change(folder / "d" / "file")
    with pytest.raises(OperationFailed, match="d/file changed while it was being sent") as raised:
        list(context.stream())
    assert "again" in (raised.value.hint or "")


def test_file_that_grows_halfway_stops_the_stream(folder: Path) -> None:
    write(folder, {"file": b"x" * 2_000_000})
    chunks = context_of(folder).stream()
    next(chunks)
    _grow(folder / "file")
    with pytest.raises(OperationFailed, match="file changed"):
        list(chunks)


def test_unreadable_file_is_named(folder: Path, as_nobody: None) -> None:
    write(folder, {"closed": "x"})
    (folder / "closed").chmod(0)
    with pytest.raises(UsageError, match="closed: permission denied") as raised:
        context_of(folder).digest()
    assert ".dockerignore" in (raised.value.hint or "")
