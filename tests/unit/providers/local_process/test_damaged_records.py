"""Records that are damaged in any way: each costs its own machine, and that one can be removed."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from os2cli.core.errors import Conflict, OperationFailed
from os2cli.core.models import MachineState
from os2cli.providers.local_process.record import Phase, ProcessId, Record
from os2cli.providers.local_process.records import DamagedRecord, Records
from os2cli.providers.local_process.s6.folders import FOLDER_VARIABLE
from tests.unit.providers.local_process.conftest import Host

RECORD = Record(
    id="0123456789abcdef" * 2,
    name="a",
    phase=Phase.STARTED,
    labels={"os2.stage": "dev", "mine": "x"},
    env={"KEY": "välue"},
    port=4000,
    ports={"ONE_PORT": 4001},
    mount=None,
    sandbox="/opt/os2",
    socket="/tmp/s.sock",
    first=ProcessId(4242, 1.5),
    logger=ProcessId(4243, 1.5),
)


@pytest.fixture
def records(tmp_path: Path) -> Records:
    records = Records(tmp_path / "machines")
    records.create(RECORD)
    return records


def file_of(records: Records) -> Path:
    return records.folder("a").record


def test_flipped_bits_never_raise_and_never_rename(records: Records) -> None:
    whole, dice = file_of(records).read_bytes(), random.Random(1)  # noqa: S311  it is repeatable
    for number in range(5000):
        content = bytearray(whole)
        for _ in range(dice.choice([1, 1, 2, 8])):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        file_of(records).write_bytes(content)

        (record,) = records.all()

        assert record.name == "a", number
        if isinstance(record, Record):
            assert record.id, number
            assert record.first is None or record.first.pid > 0, number
        else:
            assert record.why.isprintable(), number


# A record may lack them.
OPTIONAL = ("mount", "socket", "first", "logger", "addresses")
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 1.5, "", "text", "\0", "\x1b[31m", [], [1], {}, {"a": 1}, {"a": None},
    {"pid": -1, "began": 1.0}, {"pid": 0, "began": 1.0}, {"pid": 1, "began": "x"}, {"": {"": []}},
)  # fmt: skip


@pytest.mark.parametrize("field", asdict(RECORD))
def test_any_value_of_any_field_is_a_record_or_a_damaged_one(records: Records, field: str) -> None:
    values = json.loads(file_of(records).read_text())
    for value in VALUES:
        file_of(records).write_text(json.dumps({**values, field: value}))

        (record,) = records.all()

        assert record.name == "a", value
        if isinstance(record, Record):
            assert len(record.id) == 32, value
            assert all(type(port) is int and 0 <= port < 65536 for port in record.all_ports())
            assert record.first is None or record.first.pid > 0, value


@pytest.mark.parametrize("field", asdict(RECORD))
def test_a_missing_field_never_raises(records: Records, field: str) -> None:
    values = json.loads(file_of(records).read_text())
    del values[field]
    file_of(records).write_text(json.dumps(values))

    (record,) = records.all()

    assert isinstance(record, Record) is (field in OPTIONAL)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_fields_of_a_newer_os2_are_ignored(records: Records, value: object) -> None:
    values = json.loads(file_of(records).read_text())
    values["first"]["newer"] = values["newer"] = value
    file_of(records).write_text(json.dumps(values))

    assert records.all() == [RECORD]


def missing(path: Path) -> None:
    del path


def a_directory(path: Path) -> None:
    path.mkdir()
    (path / "something").touch()


def a_huge_file(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def text(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": missing,
    "a directory": a_directory,
    "a fifo": os.mkfifo,
    "a dangling link": lambda path: path.symlink_to("gone"),
    "a link to itself": a_link_to_itself,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "huge": a_huge_file,
    "empty": text(b""),
    "no JSON": text(b"\x1b]0;title\x07"),
    "not UTF-8": text(b'{"name": "\xff"}'),
    "nested": text(b'{"env":' * 100_000),
    "nested well": text(b"[" * 100_000 + b"]" * 100_000),
    "a list": text(b"[]"),
    "huge numbers": text(b'{"port": ' + b"9" * 10_000 + b"}"),
    "of another machine": text(json.dumps({**asdict(RECORD), "name": "other"}).encode()),
    "of a newer phase": text(json.dumps({**asdict(RECORD), "phase": "hibernated"}).encode()),
}


@pytest.fixture
def sleeper(host: Host) -> Iterator[subprocess.Popen[bytes]]:
    """A process of machine a."""
    env = {**os.environ, FOLDER_VARIABLE: str(host.folder("a"))}
    process = subprocess.Popen(["sleep", "1000"], env=env, start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_record_costs_one_line_and_its_machine_can_be_removed(
    host: Host, sleeper: subprocess.Popen[bytes], damage: Callable[[Path], object]
) -> None:
    records = host.provider.records
    records.create(RECORD)
    other = Record(**{**_fields(RECORD), "name": "b", "port": 4100, "ports": {}})
    records.create(other)
    file_of(records).unlink()
    damage(file_of(records))

    one, two = host.provider.list()
    assert (one.name, one.state) == ("a", MachineState.UNKNOWN)
    assert "a" in (one.reason or "")
    assert two.name == "b"
    assert isinstance(records.read("a"), DamagedRecord)
    for verb in (host.provider.start, host.provider.stop):
        with pytest.raises(OperationFailed, match="cannot read the record of machine a") as caught:
            verb("a")
        assert "os2 machine rm a" in (caught.value.hint or "")
    with pytest.raises(Conflict, match="already exists"):
        host.create("a")

    assert host.provider.remove("a")

    assert sleeper.wait(timeout=10) is not None
    assert [machine.name for machine in host.provider.list()] == ["b"]
    assert [path.name for path in host.root.iterdir()] == ["b"]
    assert not host.provider.remove("a")


def _fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in asdict(record)}


def test_a_running_machine_with_a_damaged_record_is_ended(host: Host) -> None:
    host.create("m")
    record = host.record()
    host.provider.records.folder("m").record.write_text("{")
    created = host.create("n")

    assert created.state is MachineState.RUNNING
    assert host.processes(record) != []
    assert host.provider.remove("m")
    assert host.processes(record) == []
    assert host.provider.get("n").state is MachineState.RUNNING


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../other", "a/../../other", ".new-1", "/", "a/home"]
)
def test_a_directory_that_is_not_a_machine_is_never_removed(host: Host, name: str) -> None:
    host.provider.records.create(RECORD)
    for folder in (host.root.parent / "other", host.root / ".new-1", host.folder("a") / "home"):
        folder.mkdir()

    assert not host.provider.remove(name)
    assert host.provider.records.read(name) is None
    assert (host.root.parent / "other").is_dir()
    assert (host.folder("a") / "home").is_dir()
    assert host.folder("a").is_dir()


def test_what_killed_processes_left_is_removed_in_time(records: Records) -> None:
    old = (0, 0)
    for name in (".new-1", ".removed-1"):
        (records.root / name).mkdir()
        os.utime(records.root / name, old)

    assert records.names() == ["a"]
    assert records.forget("a") is None
