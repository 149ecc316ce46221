"""The cache of resolutions: real files, several processes, and everything that can be wrong."""

from __future__ import annotations

import json
import pickle
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from diskcache import Cache, JSONDisk

from os2cli.core.stage import Stage
from os2cli.snapshots.cache import CachedSnapshot, CacheEntry, SnapshotCache, is_kept

PROJECT = Path(__file__).parents[3]
DEADLINE_SECONDS = 60
ACCOUNT = "0123456789abcdef"
OTHER = "fedcba9876543210"
FIRST = CachedSnapshot("stg--20260111-120000", "11111111-aaaa")
SECOND = CachedSnapshot("prd--20260112-120000", "22222222-bbbb")
MODE_RAW, MODE_PICKLE = 1, 4


@dataclass
class Time:
    """A clock that the test moves; it starts now, since diskcache also uses the real one."""

    seconds: float

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Time:
    return Time(time.time())


@pytest.fixture
def cache(tmp_path: Path, clock: Time) -> SnapshotCache:
    return SnapshotCache(tmp_path / "some/where/snapshots", 300, clock)


def database(cache: SnapshotCache) -> Path:
    return cache.folder / "cache.db"


def execute(cache: SnapshotCache, statement: str, *values: object) -> None:
    """Change the file behind the cache's back."""
    with closing(sqlite3.connect(database(cache))) as connection, connection:
        connection.execute(statement, values)


def rows(cache: SnapshotCache, statement: str) -> list[Any]:
    with closing(sqlite3.connect(database(cache))) as connection:
        return connection.execute(statement).fetchall()


def later(cache: SnapshotCache) -> SnapshotCache:
    """The cache after what other processes did with it, whose clock is the real one."""
    return replace(cache, now=time.time)


def packed(value: object) -> bytes:
    return zlib.compress(json.dumps(value).encode(), 1)


class TestAnswers:
    def test_an_answer_is_given_as_it_was_kept(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)

        assert cache.get(ACCOUNT, "stg--") == FIRST

    def test_another_instance_gives_it_too(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)

        assert replace(cache).get(ACCOUNT, "stg--") == FIRST

    def test_before_there_is_any_nothing_is_known_and_nothing_is_made(
        self, cache: SnapshotCache
    ) -> None:
        assert cache.get(ACCOUNT, "stg--") is None
        assert cache.entries() == []
        cache.drop(ACCOUNT, "stg--")
        assert not cache.folder.exists()

        assert cache.clear() == 0
        assert not cache.folder.exists()

    def test_accounts_and_stages_are_distinct(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        cache.put(OTHER, "stg--", SECOND)

        assert cache.get(ACCOUNT, "stg--") == FIRST
        assert cache.get(OTHER, "stg--") == SECOND
        assert cache.get(ACCOUNT, "prd--") is None
        assert cache.get(ACCOUNT, "stg") is None

    def test_a_later_answer_takes_the_place_of_an_earlier_one(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        cache.put(ACCOUNT, "stg--", SECOND)

        assert cache.get(ACCOUNT, "stg--") == SECOND
        assert len(cache.entries()) == 1

    def test_one_is_dropped_and_the_others_stay(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        cache.put(ACCOUNT, "prd--", SECOND)

        cache.drop(ACCOUNT, "stg--")
        cache.drop(ACCOUNT, "stg--")

        assert cache.get(ACCOUNT, "stg--") is None
        assert cache.get(ACCOUNT, "prd--") == SECOND

    def test_all_are_listed_by_stage(self, cache: SnapshotCache, clock: Time) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        cache.put(OTHER, "prd--", SECOND)
        cache.put(ACCOUNT, "prd--", SECOND)
        clock.seconds += 100

        entries = [replace(e, seconds_left=round(e.seconds_left)) for e in cache.entries()]
        assert entries == [
            CacheEntry(ACCOUNT, "prd--", SECOND, 200),
            CacheEntry(OTHER, "prd--", SECOND, 200),
            CacheEntry(ACCOUNT, "stg--", FIRST, 200),
        ]

    def test_all_are_cleared_and_counted(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        cache.put(ACCOUNT, "prd--", SECOND)

        assert cache.clear() == 2
        assert cache.get(ACCOUNT, "stg--") is None
        assert not cache.folder.exists()
        assert cache.folder.parent.exists()

    @pytest.mark.parametrize("umask", [0o000, 0o077])
    def test_no_other_user_can_look_into_the_folder(self, cache: SnapshotCache, umask: int) -> None:
        script = "import os, sys; os.umask(int(sys.argv[3])); " + PUT

        run(script, cache.folder, "stg--", umask)

        assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
        assert later(cache).get(ACCOUNT, "stg--") == CachedSnapshot("a", "b")

    def test_a_folder_that_all_users_could_look_into_is_closed(self, cache: SnapshotCache) -> None:
        cache.folder.mkdir(parents=True)
        cache.folder.chmod(0o777)

        cache.put(ACCOUNT, "stg--", FIRST)

        assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700

    @pytest.mark.parametrize("name", ["a b", "a?mode=rw&x=%41#y", "ünïcode", "100%", "-x", "~"])
    def test_a_folder_may_have_any_name(self, name: str, tmp_path: Path) -> None:
        cache = SnapshotCache(tmp_path / name, 300)

        cache.put(ACCOUNT, "stg--", FIRST)

        assert cache.get(ACCOUNT, "stg--") == FIRST
        assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == [name]

    def test_a_folder_whose_name_diskcache_would_change_is_not_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ELSEWHERE", "elsewhere")
        cache = SnapshotCache(tmp_path / "$ELSEWHERE", 300)

        cache.put(ACCOUNT, "stg--", FIRST)

        assert cache.get(ACCOUNT, "stg--") is None
        assert not (tmp_path / "elsewhere").exists()


class TestTime:
    @pytest.mark.parametrize(("age", "used"), [(0, True), (299, True), (300, False), (301, False)])
    def test_an_answer_is_used_for_its_time_to_live(
        self, age: int, used: bool, cache: SnapshotCache, clock: Time
    ) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        clock.seconds += age

        assert (cache.get(ACCOUNT, "stg--") is not None) is used
        assert [e.snapshot for e in cache.entries()] == ([FIRST] if used else [])

    @pytest.mark.parametrize(("age", "used"), [(10, True), (59, True), (61, False), (250, False)])
    def test_a_shorter_time_to_live_counts_at_once_for_the_age_of_an_answer(
        self, age: int, used: bool, cache: SnapshotCache, clock: Time
    ) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        clock.seconds += age
        shorter = replace(cache, keep_seconds=60)

        assert (shorter.get(ACCOUNT, "stg--") is not None) is used
        assert len(shorter.entries()) == used

    def test_a_longer_one_does_not_revive_an_answer(
        self, cache: SnapshotCache, clock: Time
    ) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        clock.seconds += 301

        assert replace(cache, keep_seconds=3000).get(ACCOUNT, "stg--") is None

    def test_an_answer_from_the_future_is_not_used(self, cache: SnapshotCache, clock: Time) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        clock.seconds -= 3600

        assert cache.get(ACCOUNT, "stg--") is None
        assert cache.entries() == []

    def test_after_the_clock_went_back_new_answers_are_used(
        self, cache: SnapshotCache, clock: Time
    ) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        clock.seconds -= 3600
        cache.put(ACCOUNT, "stg--", SECOND)

        assert cache.get(ACCOUNT, "stg--") == SECOND

    @pytest.mark.parametrize("seconds", [0.5, 1])
    def test_a_short_time_to_live_is_one_too(
        self, seconds: float, cache: SnapshotCache, clock: Time
    ) -> None:
        short = replace(cache, keep_seconds=seconds)
        short.put(ACCOUNT, "stg--", FIRST)

        assert short.get(ACCOUNT, "stg--") == FIRST
        clock.seconds += seconds
        assert short.get(ACCOUNT, "stg--") is None

    def test_no_time_to_live_keeps_nothing_and_uses_nothing(self, cache: SnapshotCache) -> None:
        none = replace(cache, keep_seconds=0)

        none.put(ACCOUNT, "stg--", FIRST)
        assert not cache.folder.exists()

        cache.put(ACCOUNT, "stg--", FIRST)
        assert none.get(ACCOUNT, "stg--") is None
        assert none.entries() == []
        assert cache.get(ACCOUNT, "stg--") == FIRST


def overwrite(content: bytes) -> Callable[[SnapshotCache], None]:
    def write(cache: SnapshotCache) -> None:
        database(cache).write_bytes(content)

    return write


def truncate(cache: SnapshotCache) -> None:
    whole = database(cache).read_bytes()
    database(cache).write_bytes(whole[: len(whole) // 2])


def scramble(cache: SnapshotCache) -> None:
    whole = database(cache).read_bytes()
    database(cache).write_bytes(whole[:100] + b"\xa5" * (len(whole) - 100))


def folder_instead(cache: SnapshotCache) -> None:
    database(cache).unlink()
    database(cache).mkdir()
    (database(cache) / "something").touch()


def dangling_link(cache: SnapshotCache) -> None:
    database(cache).unlink()
    database(cache).symlink_to(cache.folder / "gone/cache.db")


def loop(cache: SnapshotCache) -> None:
    database(cache).unlink()
    database(cache).symlink_to(database(cache))


def without(table: str) -> Callable[[SnapshotCache], None]:
    return lambda cache: execute(cache, f"DROP TABLE {table}")


def other_columns(cache: SnapshotCache) -> None:
    execute(cache, "DROP TABLE Cache")
    execute(cache, "CREATE TABLE Cache (key, raw, mode)")


CORRUPTIONS = {
    "garbage": overwrite(b"no database at all" * 1000),
    "empty": overwrite(b""),
    "truncated": truncate,
    "scrambled": scramble,
    "a folder": folder_instead,
    "a dangling link": dangling_link,
    "a link to itself": loop,
    "no table for answers": without("Cache"),
    "no table for settings": without("Settings"),
    "other columns": other_columns,
}


@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=CORRUPTIONS)
class TestCorruption:
    @pytest.fixture
    def broken(self, cache: SnapshotCache, corrupt: Callable[[SnapshotCache], None]) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        corrupt(cache)

    @pytest.mark.usefixtures("broken")
    def test_it_is_a_miss_and_no_failure(
        self, cache: SnapshotCache, corrupt: Callable[[SnapshotCache], None]
    ) -> None:
        # What answers are read from may be whole all the same.
        expected = FIRST if corrupt is CORRUPTIONS["no table for settings"] else None

        assert cache.get(ACCOUNT, "stg--") == expected
        assert [entry.snapshot for entry in cache.entries()] == ([expected] if expected else [])

    @pytest.mark.usefixtures("broken")
    def test_the_next_answer_recreates_the_cache(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "prd--", SECOND)

        assert cache.get(ACCOUNT, "prd--") == SECOND
        assert rows(cache, "PRAGMA integrity_check") == [("ok",)]

    @pytest.mark.usefixtures("broken")
    def test_an_answer_is_dropped_all_the_same(self, cache: SnapshotCache) -> None:
        cache.drop(ACCOUNT, "stg--")

        assert cache.get(ACCOUNT, "stg--") is None

    @pytest.mark.usefixtures("broken")
    def test_it_can_be_cleared(self, cache: SnapshotCache) -> None:
        assert cache.clear() in (0, 1)
        assert not cache.folder.exists()


GOOD = {"account": ACCOUNT, "prefix": "stg--", "name": "stg--20260111-120000", "id": "1"}


class TestWrongAnswers:
    def put_value(self, cache: SnapshotCache, value: object) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        execute(cache, "UPDATE Cache SET value = ?", value)

    def test_what_is_right_is_read(self, cache: SnapshotCache, clock: Time) -> None:
        self.put_value(cache, packed({**GOOD, "stored": clock.seconds}))

        assert cache.get(ACCOUNT, "stg--") == CachedSnapshot(GOOD["name"], "1")

    @pytest.mark.parametrize(
        "value",
        [
            None,
            7,
            1.5,
            "text",
            b"",
            b"\x78\x01 no zlib stream",
            zlib.compress(b"{"),
            zlib.compress(b"\xff\xfe"),
            zlib.compress(b"[" * 100_000),
            packed(None),
            packed(7),
            packed("text"),
            packed([]),
            packed({}),
            packed(GOOD),
            packed({**GOOD, "stored": "yesterday"}),
            packed({**GOOD, "stored": None}),
            packed({**GOOD, "stored": []}),
            packed({**GOOD, "stored": 10**400}),
            packed({**GOOD, "stored": float("nan")}),
            packed({**GOOD, "stored": float("inf")}),
            packed({**GOOD, "stored": float("-inf")}),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_a_value_other_than_an_answer_is_a_miss(
        self, value: object, cache: SnapshotCache
    ) -> None:
        self.put_value(cache, value)

        assert cache.get(ACCOUNT, "stg--") is None
        assert cache.entries() == []

    @pytest.mark.parametrize("key", ["account", "prefix", "name", "id"])
    @pytest.mark.parametrize("value", [None, 7, ["stg"], {"a": 1}])
    def test_other_than_text_is_a_miss(
        self, key: str, value: object, cache: SnapshotCache, clock: Time
    ) -> None:
        self.put_value(cache, packed({**GOOD, "stored": clock.seconds, key: value}))

        assert cache.get(ACCOUNT, "stg--") is None
        assert cache.entries() == []

    @pytest.mark.parametrize("change", [{"account": OTHER}, {"prefix": "prd--"}])
    def test_an_answer_to_another_question_is_a_miss(
        self, change: dict[str, str], cache: SnapshotCache, clock: Time
    ) -> None:
        self.put_value(cache, packed({**GOOD, "stored": clock.seconds, **change}))

        assert cache.get(ACCOUNT, "stg--") is None

    @pytest.mark.parametrize("expires", [None, "soon", b"\x00", -1])
    def test_an_end_that_is_none_is_a_miss(self, expires: object, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        execute(cache, "UPDATE Cache SET expire_time = ?", expires)

        assert cache.get(ACCOUNT, "stg--") is None

    def test_one_that_is_wrong_does_not_hide_the_others(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "prd--", SECOND)
        execute(cache, "UPDATE Cache SET value = x'00'")
        cache.put(ACCOUNT, "stg--", FIRST)

        assert [entry.snapshot for entry in cache.entries()] == [FIRST]

    def test_the_next_answer_takes_the_place_of_a_wrong_one(self, cache: SnapshotCache) -> None:
        self.put_value(cache, packed([]))

        cache.put(ACCOUNT, "stg--", SECOND)

        assert cache.get(ACCOUNT, "stg--") == SECOND


class Trap:
    """What creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


class TestPickles:
    """A value from a cache must never be run as code (CVE-2025-69872)."""

    PLACES = ("value", "key", "raw value")

    def plant(self, cache: SnapshotCache, trap: bytes, place: str) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        if place == "value":
            execute(cache, "UPDATE Cache SET mode = ?, value = ?", MODE_PICKLE, trap)
        elif place == "key":
            execute(cache, "UPDATE Cache SET raw = 0, key = ?", trap)
        else:
            execute(cache, "UPDATE Cache SET value = ?", trap)

    @pytest.mark.parametrize("place", PLACES)
    def test_none_is_ever_unpickled(self, place: str, cache: SnapshotCache, tmp_path: Path) -> None:
        sprung = tmp_path / "sprung"
        self.plant(cache, pickle.dumps(Trap(sprung)), place)

        assert cache.get(ACCOUNT, "stg--") is None
        assert cache.entries() == []
        cache.put(ACCOUNT, "stg--", SECOND)
        assert cache.get(ACCOUNT, "stg--") == SECOND
        cache.drop(ACCOUNT, "stg--")
        cache.clear()

        assert not sprung.exists()

    def test_a_file_of_the_cache_is_not_unpickled_either(
        self, cache: SnapshotCache, tmp_path: Path
    ) -> None:
        sprung = tmp_path / "sprung"
        cache.put(ACCOUNT, "stg--", FIRST)
        (cache.folder / "x.val").write_bytes(pickle.dumps(Trap(sprung)))
        execute(cache, "UPDATE Cache SET mode = ?, value = NULL, filename = 'x.val'", MODE_PICKLE)

        assert cache.get(ACCOUNT, "stg--") is None
        assert cache.entries() == []
        assert not sprung.exists()

    def test_the_trap_works_where_diskcache_reads(
        self, cache: SnapshotCache, tmp_path: Path
    ) -> None:
        sprung = tmp_path / "sprung"
        self.plant(cache, pickle.dumps(Trap(sprung)), "value")

        with Cache(str(cache.folder), disk=JSONDisk) as theirs, pytest.raises(TypeError):
            theirs.get([ACCOUNT, "stg--"])

        assert sprung.exists()


class TestTogetherWithDiskcache:
    def theirs(self, cache: SnapshotCache) -> Any:
        with Cache(str(cache.folder), disk=JSONDisk) as opened:
            return opened.get([ACCOUNT, "stg--"])

    def test_it_reads_what_is_kept(self, cache: SnapshotCache, clock: Time) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)

        assert self.theirs(cache) == {
            "account": ACCOUNT,
            "prefix": "stg--",
            "name": FIRST.name,
            "id": FIRST.id,
            "stored": clock.seconds,
        }

    def test_what_it_keeps_is_read(self, cache: SnapshotCache, clock: Time) -> None:
        value = {**GOOD, "stored": clock.seconds}
        with Cache(str(cache.folder), disk=JSONDisk) as opened:
            opened.set([ACCOUNT, "stg--"], value, expire=300)

        assert cache.get(ACCOUNT, "stg--") == CachedSnapshot(GOOD["name"], "1")
        assert rows(cache, "SELECT mode, raw FROM Cache") == [(MODE_RAW, 1)]

    def test_it_knows_nothing_of_what_was_dropped(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        cache.drop(ACCOUNT, "stg--")

        assert self.theirs(cache) is None

    @pytest.mark.parametrize("age", [0, 250, 301])
    def test_both_take_an_answer_for_too_old_at_the_same_time(
        self, age: int, cache: SnapshotCache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        began = time.time()
        monkeypatch.setattr(time, "time", lambda: began)
        replace(cache, now=time.time).put(ACCOUNT, "stg--", FIRST)
        monkeypatch.setattr(time, "time", lambda: began + age)
        cache = replace(cache, now=time.time)

        assert (cache.get(ACCOUNT, "stg--") is None) is (self.theirs(cache) is None) is (age > 300)


PUT = """
import sys
from pathlib import Path
from os2cli.snapshots.cache import CachedSnapshot, SnapshotCache
cache = SnapshotCache(Path(sys.argv[1]), 300)
cache.put("0123456789abcdef", sys.argv[2], CachedSnapshot("a", "b"))
"""


def run(script: str, *arguments: object) -> str:
    """Run a script to its end; what it wrote."""
    command = [sys.executable, "-B", "-c", script, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True
    )
    assert done.stderr == ""
    return done.stdout


class TestNoPlace:
    """A disk that does not take a cache does not fail a resolution."""

    def use(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)
        assert cache.get(ACCOUNT, "stg--") is None
        assert cache.entries() == []
        cache.drop(ACCOUNT, "stg--")

    def test_a_file_instead_of_the_folder(self, cache: SnapshotCache) -> None:
        cache.folder.parent.mkdir(parents=True)
        cache.folder.write_text("mine")

        self.use(cache)

        assert cache.folder.read_text() == "mine"

    def test_a_file_instead_of_a_folder_above(self, cache: SnapshotCache) -> None:
        cache.folder.parents[1].write_text("mine")

        self.use(cache)

        assert cache.folder.parents[1].read_text() == "mine"

    def test_a_name_that_no_disk_takes(self, tmp_path: Path) -> None:
        self.use(SnapshotCache(tmp_path / ("x" * 300) / "snapshots", 300))

    def test_a_cache_that_can_not_be_cleared_is_a_failure(self, cache: SnapshotCache) -> None:
        cache.folder.parent.mkdir(parents=True)
        cache.folder.write_text("mine")

        with pytest.raises(OSError, match="Not a directory"):
            cache.clear()

    @pytest.mark.parametrize("room", [0, 1024, 5000])
    def test_a_full_disk(self, room: int, cache: SnapshotCache) -> None:
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (int(%r),) * 2)\n"

        run(limit % room + PUT + "cache.drop('a', 'b'); cache.entries()", cache.folder, "stg--")

        assert cache.get(ACCOUNT, "stg--") is None

    def test_a_disk_that_is_full_later(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "prd--", SECOND)
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))\n"

        run(limit + PUT, cache.folder, "stg--")

        assert cache.get(ACCOUNT, "stg--") is None
        assert cache.get(ACCOUNT, "prd--") in (None, SECOND)
        cache.put(ACCOUNT, "stg--", FIRST)
        assert cache.get(ACCOUNT, "stg--") == FIRST


@contextmanager
def another_writer(cache: SnapshotCache) -> Iterator[None]:
    """Another process writes to the cache and does not finish."""
    with closing(sqlite3.connect(database(cache), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


class TestBusy:
    def test_what_was_kept_is_read_all_the_same(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)

        with another_writer(cache):
            assert cache.get(ACCOUNT, "stg--") == FIRST

    def test_an_answer_is_not_worth_a_long_wait_and_the_others_stay(
        self, cache: SnapshotCache
    ) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)

        with another_writer(cache):
            began = time.monotonic()
            cache.put(ACCOUNT, "prd--", SECOND)
            assert time.monotonic() - began < 10

        assert cache.get(ACCOUNT, "prd--") is None
        assert cache.get(ACCOUNT, "stg--") == FIRST

    def test_an_answer_that_is_to_be_dropped_does_not_stay(self, cache: SnapshotCache) -> None:
        cache.put(ACCOUNT, "stg--", FIRST)

        with another_writer(cache):
            cache.drop(ACCOUNT, "stg--")
            assert cache.get(ACCOUNT, "stg--") is None

        cache.put(ACCOUNT, "stg--", SECOND)
        assert cache.get(ACCOUNT, "stg--") == SECOND


HAMMER = """
import random, sys
from pathlib import Path
from os2cli.snapshots.cache import CachedSnapshot, SnapshotCache

me, operations = sys.argv[2], int(sys.argv[3])
dice = random.Random(me)
cache = SnapshotCache(Path(sys.argv[1]), 300)
wrong = []

def look(prefix):
    found = cache.get("account", prefix)
    if found is not None and found.name != f"{prefix}{found.id}":
        wrong.append(found)

print("ready", flush=True)
sys.stdin.readline()
for number in range(operations):
    prefix = f"shared-{dice.randrange(3)}--"
    act = dice.choice(["put", "get", "get", "drop"])
    if act == "put":
        cache.put("account", prefix, CachedSnapshot(f"{prefix}{me}{number}", f"{me}{number}"))
    elif act == "get":
        look(prefix)
    else:
        cache.drop("account", prefix)
    if number % 10 == 9:
        mine = f"mine-{me}--"
        cache.put("account", mine, CachedSnapshot(f"{mine}{number}", f"{number}"))
        look(mine)
        cache.entries()
print(wrong, flush=True)
"""


def kill_all(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.kill()


class TestManyProcesses:
    PROCESSES, OPERATIONS = 8, 50

    def test_none_fails_and_what_they_read_was_written_so(self, cache: SnapshotCache) -> None:
        started = [self.start(cache.folder, str(number)) for number in range(self.PROCESSES)]
        watchdog = Timer(DEADLINE_SECONDS, kill_all, [started])
        watchdog.start()
        try:
            for process in started:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            for process in started:
                assert process.stdin is not None
                process.stdin.write("\n")
                process.stdin.flush()
            ends = [process.communicate() for process in started]
        finally:
            watchdog.cancel()

        assert ends == [("[]\n", "")] * self.PROCESSES
        assert [process.returncode for process in started] == [0] * self.PROCESSES
        last = str(self.OPERATIONS - 1)
        for number in range(self.PROCESSES):
            prefix = f"mine-{number}--"
            assert later(cache).get("account", prefix) == CachedSnapshot(f"{prefix}{last}", last)
        assert rows(cache, "PRAGMA integrity_check") == [("ok",)]

    def start(self, folder: Path, name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HAMMER, str(folder), name, str(self.OPERATIONS)]
        return subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def test_a_cache_that_vanishes_meanwhile_is_not_a_failure(self, cache: SnapshotCache) -> None:
        process = self.start(cache.folder, "0")
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        while process.poll() is None:
            shutil.rmtree(cache.folder, ignore_errors=True)

        assert process.communicate() == ("ready\n[]\n", "")
        cache.put(ACCOUNT, "stg--", FIRST)
        assert cache.get(ACCOUNT, "stg--") == FIRST


@pytest.mark.parametrize(
    ("stage", "kept"),
    [
        ("dev", False),
        ("dev-jonas", False),
        ("local-x", False),
        ("stg", True),
        ("prd", True),
        ("pr-12", True),
        ("demo", True),
    ],
)
def test_answers_for_development_are_not_kept(stage: str, kept: bool) -> None:
    assert is_kept(Stage(stage, "--stage")) is kept
