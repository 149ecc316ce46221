"""The logs of recent local builds: few, small, private, and kept after a failure."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from os2cli.providers.local_docker.images import build_logs
from os2cli.providers.local_docker.images.build_logs import BuildLogs

IMAGE = "iterate-sandbox:local"


def write(logs: BuildLogs, key: str, *lines: str, image: str = IMAGE) -> None:
    with logs.recording(key, image) as log:
        for line in lines:
            log.write(line)


def read(logs: BuildLogs, image: str = IMAGE) -> list[str]:
    path = logs.latest(image)
    assert path is not None
    return path.read_text().splitlines()


def test_a_log_is_found_by_the_name_of_the_image(tmp_path: Path) -> None:
    logs = BuildLogs(tmp_path / "logs")
    write(logs, "a", "one", "two")
    write(logs, "b", "other", image="another:1")

    assert read(logs) == [f"# build of {IMAGE}", "one", "two"]
    assert logs.latest("none:1") is None


def test_the_newest_counts(tmp_path: Path) -> None:
    logs = BuildLogs(tmp_path)
    write(logs, "b", "new")
    write(logs, "a", "old")
    os.utime(tmp_path / "a.log", (1, 1))

    assert read(logs)[1:] == ["new"]


def test_of_the_same_key_the_last_one_stays(tmp_path: Path) -> None:
    logs = BuildLogs(tmp_path)
    write(logs, "a", "first, which was longer")
    write(logs, "a", "second")

    assert read(logs)[1:] == ["second"]


def test_a_build_that_fails_leaves_its_log_and_the_reason(tmp_path: Path) -> None:
    logs = BuildLogs(tmp_path)

    def build() -> None:
        with logs.recording("a", IMAGE) as log:
            log.write("one")
            raise ValueError("out of luck")

    with pytest.raises(ValueError, match="out of luck"):
        build()

    assert read(logs)[1:] == ["one", "# failed: out of luck"]


def test_other_users_cannot_read_them(tmp_path: Path) -> None:
    logs = BuildLogs(tmp_path / "logs")
    (tmp_path / "logs").mkdir(mode=0o755)
    (tmp_path / "logs" / "a.log").touch(mode=0o644)
    write(logs, "a", "one")

    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "logs" / "a.log").stat().st_mode) == 0o600


def test_only_the_newest_stay(tmp_path: Path) -> None:
    logs = BuildLogs(tmp_path, limit=3)
    for number in range(6):
        write(logs, f"k{number}", "line")
        os.utime(tmp_path / f"k{number}.log", (number, number))

    assert sorted(path.stem for path in tmp_path.glob("*.log")) == ["k3", "k4", "k5"]


def test_of_a_long_one_the_beginning_and_the_end_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_logs, "TAIL_LINES", 3)
    logs = BuildLogs(tmp_path)
    with logs.recording("a", IMAGE) as log:
        log.left, log.tail = 20, type(log.tail)(maxlen=3)
        for number in range(100):
            log.write(f"line {number:02}")

    lines = read(logs)
    assert lines[1:4] == ["line 00", "line 01", "line 02"]
    assert lines[4:] == ["# 94 lines omitted", "line 97", "line 98", "line 99"]


def test_a_folder_that_can_t_be_made_stops_no_build(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    logs = BuildLogs(tmp_path / "file" / "logs")

    write(logs, "a", "one")

    assert logs.latest(IMAGE) is None


def test_a_link_at_its_path_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").symlink_to(tmp_path / "precious")

    write(BuildLogs(folder), "a", "one")

    assert (tmp_path / "precious").read_text() == "precious"
