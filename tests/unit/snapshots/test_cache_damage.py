"""Damage to the cache's files, generated: an answer is the newest one or a miss."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import diskcache
import pytest

from os2cli.snapshots.cache import CachedSnapshot, SnapshotCache

PROJECT = Path(__file__).parents[3]
ACCOUNT = "0123456789abcdef"
OLDEST, OLDER, NEWEST = (CachedSnapshot(f"stg--2026011{day}-120000", f"id-{day}") for day in "123")
FLIPS = 1500
# The process ends with the cache open, as by `kill -9`.
KILLED_PUTS = """
import os, signal, sys
from pathlib import Path
import diskcache
from os2cli.snapshots.cache import CachedSnapshot, SnapshotCache
cache = SnapshotCache(Path(sys.argv[1]), 300)
*earlier, last = sys.argv[2:]
for day in earlier:
    cache.put("0123456789abcdef", "stg--", CachedSnapshot(f"stg--2026011{day}-120000", f"id-{day}"))
diskcache.Cache.__exit__ = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
cache.put("0123456789abcdef", "stg--", CachedSnapshot(f"stg--2026011{last}-120000", f"id-{last}"))
"""


def killed_puts(folder: Path, *days: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED_PUTS, str(folder), *days], cwd=PROJECT, timeout=60
    )
    assert done.returncode == -signal.SIGKILL


def whole(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.iterdir())}


def lay_out(folder: Path, files: dict[Path, bytes]) -> None:
    for path in folder.iterdir():
        if path not in files:
            path.unlink()
    for path, content in files.items():
        path.write_bytes(content)


def flip(files: dict[Path, bytes], dice: random.Random) -> dict[Path, bytes]:
    """Return the files with a few bits of one flipped, more often where something is written."""
    path = dice.choice([path for path, content in files.items() if content])
    content = bytearray(files[path])
    written = [index for index, byte in enumerate(content) if byte]
    for _ in range(dice.choice([1, 1, 1, 2, 8])):
        place = dice.choice(written) if dice.random() < 0.8 else dice.randrange(len(content))
        content[place] ^= 1 << dice.randrange(8)
    return {**files, path: bytes(content)}


@pytest.mark.parametrize("seed", range(2))
def test_flipped_bits_never_show_an_older_or_another_answer(tmp_path: Path, seed: int) -> None:
    cache = SnapshotCache(tmp_path / "snapshots", 300)
    cache.put(ACCOUNT, "prd--", OLDER)
    cache.drop(ACCOUNT, "prd--")
    killed_puts(cache.folder, "1", "2")
    killed_puts(cache.folder, "3")
    files, dice = whole(cache.folder), random.Random(seed)  # noqa: S311  it is repeatable
    assert cache.get(ACCOUNT, "stg--") == NEWEST

    for number in range(FLIPS):
        lay_out(cache.folder, flip(files, dice))

        assert cache.get(ACCOUNT, "stg--") in (NEWEST, None), (seed, number)
        assert cache.get(ACCOUNT, "prd--") is None, (seed, number)
        assert {entry.snapshot for entry in cache.entries()} <= {NEWEST}, (seed, number)


@pytest.mark.parametrize("seed", range(3))
def test_after_flipped_bits_the_next_answer_is_stored(tmp_path: Path, seed: int) -> None:
    cache = SnapshotCache(tmp_path / "snapshots", 300)
    cache.put(ACCOUNT, "stg--", OLDER)
    files, dice = whole(cache.folder), random.Random(seed)  # noqa: S311  it is repeatable

    for number in range(40):
        cache.folder.mkdir(exist_ok=True)
        lay_out(cache.folder, flip(files, dice))

        cache.put(ACCOUNT, "stg--", NEWEST)

        assert cache.get(ACCOUNT, "stg--") == NEWEST, (seed, number)
        cache.drop(ACCOUNT, "stg--")
        assert cache.get(ACCOUNT, "stg--") is None, (seed, number)


SETTINGS = {
    "no number": "x",
    "nothing": None,
    "negative": -1,
    "huge": 2**62,
    "bytes": b"\xff\xfe",
    "a word": "least-frequently-used; nonsense",
}


@pytest.mark.parametrize("value", SETTINGS.values(), ids=SETTINGS)
def test_no_setting_in_the_file_is_trusted(tmp_path: Path, value: object) -> None:
    cache = SnapshotCache(tmp_path / "snapshots", 300)
    cache.put(ACCOUNT, "stg--", OLDER)
    database = cache.folder / "cache.db"
    with sqlite3.connect(database) as connection:
        names = [name for (name,) in connection.execute("SELECT key FROM Settings")]
    connection.close()
    files = whole(cache.folder)

    for name in (*names, "sqlite_nonsense", "disk_nonsense", "", "_con", "directory"):
        cache.folder.mkdir(exist_ok=True)
        lay_out(cache.folder, files)
        with sqlite3.connect(database) as connection:
            connection.execute("DELETE FROM Settings WHERE key = ?", (name,))
            connection.execute("INSERT INTO Settings VALUES (?, ?)", (name, value))
        connection.close()

        cache.put(ACCOUNT, "stg--", NEWEST)

        assert cache.get(ACCOUNT, "stg--") == NEWEST, name


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_link_elsewhere(path: Path) -> None:
    target = path.parent.parent / "elsewhere"
    target.write_bytes(b"")
    path.symlink_to(target)


def a_huge_file(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)


INSTEAD: dict[str, Callable[[Path], object]] = {
    "a directory": Path.mkdir,
    "a fifo": a_fifo,
    "a dangling link": lambda path: path.symlink_to("gone"),
    "a link elsewhere": a_link_elsewhere,
    "an empty file": Path.touch,
    "a huge file": a_huge_file,
}


@pytest.mark.parametrize("name", ["cache.db", "cache.db-journal", "cache.db-wal", "cache.db-shm"])
@pytest.mark.parametrize("put_there", INSTEAD.values(), ids=INSTEAD)
def test_anything_instead_of_a_file_is_a_miss_and_goes_with_the_next_answer(
    tmp_path: Path, name: str, put_there: Callable[[Path], object]
) -> None:
    cache = SnapshotCache(tmp_path / "snapshots", 300)
    cache.put(ACCOUNT, "stg--", NEWEST)
    with suppress(FileNotFoundError):
        (cache.folder / name).unlink()
    put_there(cache.folder / name)

    assert cache.get(ACCOUNT, "stg--") in (NEWEST, None)
    assert {entry.snapshot for entry in cache.entries()} <= {NEWEST}
    cache.put(ACCOUNT, "stg--", OLDER)
    assert cache.get(ACCOUNT, "stg--") == OLDER
    assert cache.clear() == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", [".", "cache.db"])
def test_what_another_user_owns_is_not_believed(tmp_path: Path, name: str) -> None:
    cache = SnapshotCache(tmp_path / "snapshots", 300)
    cache.put(ACCOUNT, "stg--", OLDER)
    os.chown(cache.folder / name, 12345, 12345)

    assert cache.get(ACCOUNT, "stg--") is None
    assert cache.entries() == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_a_miss(tmp_path: Path, share: float) -> None:
    cache = SnapshotCache(tmp_path / "snapshots", 300)
    cache.put(ACCOUNT, "stg--", NEWEST)
    database = cache.folder / "cache.db"
    os.truncate(database, int(database.stat().st_size * share))

    assert cache.get(ACCOUNT, "stg--") in (NEWEST, None)
    cache.put(ACCOUNT, "stg--", NEWEST)
    assert cache.get(ACCOUNT, "stg--") == NEWEST


def test_a_log_that_an_earlier_os2_left_is_folded_in(tmp_path: Path) -> None:
    cache = SnapshotCache(tmp_path / "snapshots", 300)
    diskcache.Cache(str(cache.folder), disk=diskcache.JSONDisk).close()

    cache.put(ACCOUNT, "stg--", NEWEST)

    assert cache.get(ACCOUNT, "stg--") == NEWEST
    assert [path.name for path in cache.folder.iterdir()] == ["cache.db"]
