"""The log of a service: the script, run by ``sh`` on a folder, and its lines."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import NotFound, OperationFailed
from os2cli.core.models import Command, LogRequest
from os2cli.providers.log_lines import split_lines
from os2cli.providers.service_log import (
    NO_LOG_CODE,
    lines_since,
    log_command,
    service_log,
    time_of,
)
from tests.polling import until

MOMENT = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)


class Services:
    """The folders of a machine's logs and services."""

    def __init__(self, root: Path) -> None:
        self.logs, self.scan = root / "log", root / "services"
        self.logs.mkdir()
        self.scan.mkdir()

    def add(self, name: str, *files: tuple[str, str], metadata: str = "", at: str = "") -> Path:
        (self.scan / name / "log").mkdir(parents=True)
        if metadata:
            (self.scan / name / "metadata.json").write_text(metadata)
        folder = self.logs / (at or name)
        folder.mkdir(parents=True)
        for file, text in files:
            (folder / file).write_text(text)
        return folder

    def command(self, request: LogRequest) -> Command:
        return log_command(request, str(self.logs), str(self.scan))

    def read(self, **request: object) -> str:
        log_request = LogRequest(**{"service": "web", **request})  # type: ignore[arg-type]
        return subprocess.run(
            self.command(log_request).argv, capture_output=True, text=True, check=True, timeout=10
        ).stdout


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(tmp_path)


class TestScript:
    def test_older_files_come_first(self, services: Services) -> None:
        services.add(
            "web", ("@0001.s", "one\n"), ("@0002.s", "two\n"), ("current", "three\n"), ("lock", "x")
        )

        assert services.read() == "one\ntwo\nthree\n"
        assert services.read(tail=2) == "two\nthree\n"
        assert services.read(tail=0) == ""

    def test_a_log_that_never_rotated_is_its_current_file(self, services: Services) -> None:
        services.add("web", ("current", "one\ntwo"))

        assert services.read() == "one\ntwo"

    def test_metadata_names_another_folder(self, services: Services) -> None:
        metadata = '{"port": 3001,\n  "logDirectory" : "else where/deep", "hasWebUI": true}'
        services.add("web", ("current", "there\n"), metadata=metadata, at="else where/deep")
        services.add("other", ("current", "wrong\n"))

        assert services.read() == "there\n"

    @pytest.mark.parametrize("follow", [False, True])
    def test_a_service_without_a_log_lists_those_with_one(
        self, services: Services, follow: bool
    ) -> None:
        services.add("web", ("current", ""))
        (services.scan / "silent").mkdir()
        command = services.command(LogRequest(service="silent", follow=follow))

        done = subprocess.run(command.argv, capture_output=True, text=True, timeout=10)

        assert (done.returncode, done.stdout, done.stderr) == (NO_LOG_CODE, "", "web\n")

    @pytest.mark.parametrize("name", ["; echo pwned", "$(echo pwned)", "a b", "-x", "..", ""])
    def test_a_name_is_never_run(self, services: Services, name: str) -> None:
        command = services.command(LogRequest(service=name))

        done = subprocess.run(command.argv, capture_output=True, text=True, timeout=10)

        assert (done.returncode, done.stdout) == (NO_LOG_CODE, "")

    @pytest.mark.parametrize(("tail", "first"), [(None, "one\ntwo\nthree\n"), (1, "three\n")])
    def test_following_continues_after_a_rotation(
        self, services: Services, tail: int | None, first: str
    ) -> None:
        folder = services.add("web", ("@0001.s", "one\n"), ("current", "two\nthree\n"))
        request = LogRequest(service="web", tail=tail, follow=True)
        with subprocess.Popen(services.command(request).argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                got = b"".join(process.stdout.readline() for _ in first.splitlines())
                (folder / "current").rename(folder / "@0002.s")
                (folder / "current").write_text("four\n")
                rotated = process.stdout.readline()
            finally:
                process.kill()

        assert (got.decode(), rotated) == (first, b"four\n")

    def test_following_ends_with_its_reader(self, services: Services) -> None:
        folder = services.add("web", ("current", "one\n"))
        argv = services.command(LogRequest(service="web", follow=True)).argv
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.terminate()
            until(lambda: process.poll() is not None)
            (folder / "current").write_text("more\n")


class Program:
    """A program that exits with a code after its output."""

    def __init__(self, exit_code: int, *pieces: bytes, stderr: bytes = b"") -> None:
        self.exit_code, self.pieces, self.stderr = exit_code, pieces, stderr

    def output(self, command: Command) -> Generator[bytes]:
        del command
        yield from self.pieces


class TestLines:
    def test_a_missing_log_is_not_found_and_names_the_others(self) -> None:
        program = Program(NO_LOG_CODE, stderr=b"web\nworker\n")

        with pytest.raises(NotFound) as caught:
            list(service_log(program, "a", LogRequest(service="db")))

        assert caught.value.message == "machine a has no log of a service db"
        assert "web, worker" in (caught.value.hint or "")

    def test_a_program_that_fails_is_an_error_unless_followed(self) -> None:
        program = Program(137, b"one\n")

        with pytest.raises(OperationFailed):
            list(service_log(program, "a", LogRequest(service="db")))
        assert list(service_log(program, "a", LogRequest(service="db", follow=True))) == ["one"]

    def test_since_keeps_recent_lines_and_their_continuations(self) -> None:
        lines = [
            "2026-01-11 19:30:44.999999999 old",
            "  of the old one",
            "2026-01-11 19:30:45.000000000 new",
            "  of the new one",
            "2026-01-11T19:30:46Z newer",
        ]

        assert list(lines_since(lines, MOMENT)) == lines[2:]
        assert list(lines_since(lines, None)) == lines

    @pytest.mark.parametrize(
        ("line", "moment"),
        [
            ("2026-01-11 19:30:45 a", MOMENT),
            ("2026-01-11 19:30:45.123456789 a", MOMENT + timedelta(microseconds=123456)),
            ("2026-01-11T19:30:45Z a", MOMENT),
            ("2026-01-11T20:30:45+01:00 a", MOMENT),
            ("2026-01-11T19:30:45.5Z", MOMENT + timedelta(seconds=0.5)),
            ("no time at all", None),
            ("", None),
            ("0001-01-01T00:00:00+14:00 a", None),
            ("99999-01-01 00:00:00 a", None),
        ],
    )
    def test_the_time_at_the_start_is_parsed(self, line: str, moment: datetime | None) -> None:
        assert time_of(line) == moment

    @given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
    def test_chunk_boundaries_do_not_matter(self, data: bytes, cuts: list[int]) -> None:
        ends = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        pieces = [data[start:end] for start, end in pairwise(ends)]

        assert list(split_lines(pieces)) == list(split_lines([data]))

    def test_only_a_newline_ends_a_line(self) -> None:
        assert list(split_lines(["a\u2028b\x0cc\r\n\nd".encode()])) == ["a\u2028b\x0cc", "", "d"]
