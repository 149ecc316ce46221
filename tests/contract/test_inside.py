"""What every provider promises about the guest; see ``os2cli.machines.provider``."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path

import httpx
import pytest

from os2cli.core.errors import Conflict, NotFound, UsageError
from os2cli.core.models import Command, LogRequest, Machine, MachineState, Streams
from os2cli.machines.copying import copy_in, copy_out
from os2cli.machines.fleet import LocatedMachine
from os2cli.machines.health import wait_until_healthy
from os2cli.machines.provider import MachineProvider
from os2cli.providers.service_log import time_of
from tests.contract.conftest import HEALTHY_SECONDS, INHABITED, INSIDES, Maker, Subject
from tests.polling import until

AWKWARD = ("a b", "", "'", '"', "$HOME", "`id`", "*", "\\n", "-x", "--", "é", "a\nb", "; exit 9")
PRINT_ARGUMENTS = 'for word in "$@"; do printf "<%s>" "$word"; done'


@dataclass
class Guest:
    """A running machine that several tests share."""

    provider: MachineProvider
    machine: Machine
    subject: Subject

    @property
    def name(self) -> str:
        return self.machine.name

    @cached_property
    def home(self) -> str:
        """Its user's directory, which goes with it; its ``/tmp`` may be this host's."""
        return self.run("sh", "-c", 'echo "$HOME"')[1].decode().strip()

    def new_path(self) -> str:
        """A path in it at which nothing is yet."""
        return f"{self.home}/{uuid.uuid4().hex}"

    @property
    def place(self) -> LocatedMachine:
        return LocatedMachine(self.machine, self.provider)

    def run(
        self,
        *argv: str,
        env: Mapping[str, str] | None = None,
        folder: str | None = None,
        stdin: bytes | None = None,
    ) -> tuple[int, bytes, bytes]:
        """The exit code and both streams of a program."""
        stdout, stderr = io.BytesIO(), io.BytesIO()
        source = None if stdin is None else io.BytesIO(stdin)
        command = Command(argv, env or {}, folder)
        code = self.provider.execute(self.name, command, Streams(stdout, stderr, source))
        return code, stdout.getvalue(), stderr.getvalue()


@pytest.fixture(params=INSIDES, scope="module")
def inside(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    """A machine of each provider in turn."""
    yield from _inside(request.param, tmp_path_factory.mktemp("provider"))


@pytest.fixture(params=INHABITED, scope="module")
def inhabited(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    """The machines that have processes and services, not only files."""
    yield from _inside(request.param, tmp_path_factory.mktemp("provider"))


def _inside(make: Maker, folder: Path) -> Iterator[Guest]:
    with ExitStack() as stack:
        provider, image = make(stack, folder)
        subject = Subject(provider, image, uuid.uuid4().hex[:8])
        stack.callback(lambda: [provider.remove(name) for name in subject.names()])
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
        machine = subject.create("inside", expires=expires)
        yield Guest(provider, wait_until_healthy(provider, machine, HEALTHY_SECONDS), subject)


class TestExecute:
    def test_streams_are_separate_and_the_exit_code_is_returned(self, inside: Guest) -> None:
        script = "echo out; echo err >&2; exit 7"

        assert inside.run("sh", "-c", script) == (7, b"out\n", b"err\n")

    def test_every_argument_arrives_as_it_is(self, inside: Guest) -> None:
        code, stdout, _ = inside.run("sh", "-c", PRINT_ARGUMENTS, "sh", *AWKWARD)

        assert code == 0
        # The API of one provider returns whole lines.
        assert stdout.decode().rstrip("\n") == "".join(f"<{word}>" for word in AWKWARD)

    def test_variables_and_the_directory_are_set(self, inside: Guest) -> None:
        env = {"COLOUR": "a 'b' $c", "EMPTY": ""}

        code, stdout, _ = inside.run(
            "sh", "-c", 'pwd; echo "<$COLOUR><$EMPTY>"', env=env, folder="/tmp"
        )

        assert (code, stdout) == (0, b"/tmp\n<a 'b' $c><>\n")

    def test_stdin_is_passed_on_to_its_end(self, inside: Guest) -> None:
        text = b"".join(b"line %d\n" % number for number in range(20_000))

        assert inside.run("wc", "-c", stdin=text)[1].split() == [str(len(text)).encode()]

    def test_without_stdin_there_is_none(self, inside: Guest) -> None:
        assert inside.run("cat") == (0, b"", b"")

    def test_much_output_arrives_whole(self, inside: Guest) -> None:
        code, stdout, _ = inside.run("seq", "200000")

        assert code == 0
        assert stdout == b"".join(b"%d\n" % number for number in range(1, 200_001))

    def test_a_program_that_is_not_there_is_127(self, inhabited: Guest) -> None:
        code, stdout, stderr = inhabited.run("no-such-program")

        assert code == 127
        assert b"no-such-program" in stdout + stderr

    def test_closing_the_stream_ends_the_program(self, inhabited: Guest) -> None:
        mark = f"9{uuid.uuid4().int % 10**8}"

        class Gone(io.BytesIO):
            def write(self, _: object) -> int:
                raise InterruptedError

        script = f"echo started; sh -c 'sleep {mark}; :'"
        with pytest.raises(InterruptedError):
            inhabited.provider.execute(
                inhabited.name, Command(("sh", "-c", script)), Streams(Gone(), Gone())
            )

        until(lambda: inhabited.run("pgrep", "-f", f"^sleep {mark}")[0] == 1, 10)


class TestCopying:
    def test_a_folder_comes_back_as_it_went(self, inside: Guest, tmp_path: Path) -> None:
        source = tmp_path / "a folder"
        (source / "deep").mkdir(parents=True)
        content = bytes(range(256)) * 4096
        (source / "deep" / "binary").write_bytes(content)
        (source / "run.sh").write_text("#!/bin/sh\necho ran\n")
        (source / "run.sh").chmod(0o755)
        (source / "link").symlink_to("run.sh")
        target = inside.new_path()

        copy_in(inside.place, source, target)
        code, stdout, _ = inside.run(f"{target}/run.sh")
        copy_out(inside.place, target, tmp_path / "back")

        assert (code, stdout) == (0, b"ran\n")
        back = tmp_path / "back"
        assert (back / "deep" / "binary").read_bytes() == content
        assert (back / "link").readlink().name == "run.sh"
        assert (back / "run.sh").stat().st_mode & 0o777 == 0o755

    def test_links_stay_and_what_is_not_a_file_is_named(
        self, inside: Guest, tmp_path: Path
    ) -> None:
        source, target = tmp_path / "venv", inside.new_path()
        (source / "bin").mkdir(parents=True)
        (source / "bin/python").symlink_to("/usr/bin/python3")
        (source / "lib64").symlink_to("bin")
        os.mkfifo(source / "pipe")
        os.mknod(source / "socket", stat.S_IFSOCK | 0o600)

        inward = copy_in(inside.place, source, target)
        outward = copy_out(inside.place, target, tmp_path / "back")
        copy_out(inside.place, f"{target}/lib64/", tmp_path / "followed")

        assert [item.path.rpartition("/")[2] for item in inward.omissions.items] == ["socket"]
        assert [item.path.rpartition("/")[2] for item in outward.omissions.items] == ["pipe"]
        assert {path.name for path in (tmp_path / "back").iterdir()} == {"bin", "lib64"}
        for folder in ("back/bin", "followed"):
            assert (tmp_path / folder / "python").readlink() == Path("/usr/bin/python3")

    @pytest.mark.parametrize("path", ["/proc/version", "/sys/kernel", "/dev/null", "/dev/stdin"])
    def test_files_of_the_kernel_are_rejected(
        self, inside: Guest, tmp_path: Path, path: str
    ) -> None:
        with pytest.raises(UsageError, match="kernel"):
            copy_out(inside.place, path, tmp_path)
        with pytest.raises(UsageError, match=r"kernel|device"):
            copy_in(inside.place, path, "/tmp/x")

        assert not (tmp_path / path.rpartition("/")[2]).exists()

    def test_an_existing_folder_gets_it_under_its_own_name(
        self, inside: Guest, tmp_path: Path
    ) -> None:
        folder = inside.new_path()
        inside.run("mkdir", folder)
        (tmp_path / "notes").write_text("one\n")

        copy_in(inside.place, tmp_path / "notes", folder)
        copy_in(inside.place, tmp_path / "notes", f"{folder}/renamed")

        assert inside.run("ls", folder)[1].split() == [b"notes", b"renamed"]

    def test_a_file_is_put_at_the_given_path(self, inside: Guest, tmp_path: Path) -> None:
        path = inside.new_path()
        inside.run("sh", "-c", f"echo new > {path}")
        (tmp_path / "old").write_text("old")

        copy_out(inside.place, path, tmp_path / "old")
        copy_out(inside.place, path, tmp_path)

        assert (tmp_path / "old").read_text() == "new\n"
        assert (tmp_path / path.rsplit("/", 1)[1]).read_text() == "new\n"

    def test_what_is_not_there_is_not_found_and_leaves_nothing(
        self, inside: Guest, tmp_path: Path
    ) -> None:
        folder = tmp_path / "empty"
        folder.mkdir()

        with pytest.raises(NotFound) as caught:
            copy_out(inside.place, "/tmp/no-such-file", folder)
        with pytest.raises(NotFound):
            copy_in(inside.place, tmp_path / "none", "/tmp")
        with pytest.raises(NotFound):
            copy_in(inside.place, folder, "/tmp/no-such-folder/x")

        assert caught.value.code == "path_not_found"
        assert list(folder.iterdir()) == []

    def test_the_archive_holds_the_last_name_only(self, inside: Guest) -> None:
        path = inside.new_path()
        inside.run("sh", "-c", f"mkdir {path} && echo x > {path}/x")

        data = b"".join(inside.provider.fetch(inside.name, f"{path}/"))

        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            name = path.rsplit("/", 1)[1]
            assert sorted(archive.getnames()) == [name, f"{name}/x"]


class TestLogs:
    def test_the_tail_is_the_end_of_all(self, inside: Guest) -> None:
        everything = list(inside.provider.logs(inside.name, LogRequest()))
        last = list(inside.provider.logs(inside.name, LogRequest(tail=1)))

        assert everything[-1:] == last
        assert not any("\n" in line for line in everything)
        assert list(inside.provider.logs(inside.name, LogRequest(tail=0))) == []

    def test_a_service_has_a_log_of_its_own(self, inhabited: Guest) -> None:
        request = LogRequest(service="iterate-server", tail=50)

        lines = until(lambda: list(inhabited.provider.logs(inhabited.name, request)))

        assert any("iterate-server: listening on port" in line for line in lines)
        assert time_of(lines[0]) is not None

    def test_a_service_log_is_limited_by_its_time(self, inhabited: Guest) -> None:
        later = datetime.now(UTC) + timedelta(hours=1)
        request = LogRequest(service="iterate-server", since=later)

        assert list(inhabited.provider.logs(inhabited.name, request)) == []

    def test_a_service_without_a_log_is_not_found(self, inside: Guest) -> None:
        with pytest.raises(NotFound) as caught:
            list(inside.provider.logs(inside.name, LogRequest(service="no-such-service")))

        assert caught.value.code == "service_log_not_found"

    def test_following_goes_on_with_what_comes(self, inhabited: Guest) -> None:
        request = LogRequest(service="iterate-server", tail=1, follow=True)
        came = threading.Event()
        lines: list[str] = []

        def follow() -> None:
            for line in islice(inhabited.provider.logs(inhabited.name, request), 2):
                lines.append(line)
                came.set()

        follower = threading.Thread(target=follow)
        follower.start()
        assert came.wait(20)
        file = "${OS2_LOG_DIRECTORY:-/var/log}/iterate-server/current"
        script = f"echo 2026-01-11 19:30:45.0 more >> {file}"
        inhabited.run("sh", "-c", script)
        follower.join(20)

        assert not follower.is_alive()
        assert lines[1].endswith(" more")


class TestReach:
    def test_the_daemon_answers_at_its_address(self, inhabited: Guest) -> None:
        address = inhabited.provider.reach(inhabited.machine, 3000)
        headers = {address.header: address.token} if address.header and address.token else {}

        answer = httpx.get(f"{address.url}/api/health", headers=headers, timeout=10)

        assert answer.json()["status"] == "ok"

    def test_it_returns_when_it_expires(self, inside: Guest) -> None:
        found = inside.provider.get(inside.name)

        assert found.expires is not None
        assert inside.machine.expires is not None
        assert abs(found.expires - inside.machine.expires) <= timedelta(minutes=1)
        left = found.expires - datetime.now(UTC)
        assert timedelta(minutes=110) < left <= timedelta(minutes=121)


def test_no_program_runs_in_a_stopped_machine(subject_inside: Subject) -> None:
    machine = subject_inside.create("a")
    provider = subject_inside.provider
    nowhere = Streams(io.BytesIO(), io.BytesIO())
    # A signal that comes before its first program runs would hit the engine's own.
    assert provider.execute(machine.name, Command(("true",)), nowhere) == 0

    stopped = provider.archive(machine.name)

    assert stopped.state is MachineState.STOPPED
    assert provider.archive(machine.name).state is MachineState.STOPPED
    for use in (
        lambda: provider.execute(machine.name, Command(("true",)), nowhere),
        lambda: provider.reach(stopped, 3000),
        lambda: list(provider.fetch(machine.name, "/tmp")),
    ):
        with pytest.raises(Conflict) as caught:
            use()
        assert caught.value.code == "machine_not_running"
        assert "os2 machine start" in (caught.value.hint or "")
    assert provider.start(machine.name).state is MachineState.RUNNING
