"""The keeper's script, as real shells run it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from os2cli.core.models import Command
from os2cli.providers.daytona.machines.keeper import Keeper, octal
from tests.polling import until
from tests.processes import command_lines, is_alive

SHELLS = [name for name in ("sh", "bash", "dash", "busybox") if shutil.which(name)]
GRACE_SECONDS = 5
DEADLINE_SECONDS = 20


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """A session's shell."""
    return ["busybox", "ash"] if request.param == "busybox" else [request.param]


class Session:
    """A session's shell that runs the script of one keeper, as Daytona gives it to its shells."""

    def __init__(self, shell: list[str], keeper: Keeper, place: Path) -> None:
        self.folder = Path(keeper.folder)
        self.mark = b"\0" + keeper.mark.encode() + b" "
        self.input = place / f"{keeper.mark}-input"
        self.log = place / f"{keeper.mark}-log"
        os.mkfifo(self.input)
        self.process = subprocess.Popen(shell, stdin=subprocess.PIPE, process_group=0)
        assert self.process.stdin is not None
        before = f"sleep 1000 >{self.input} &\ntrap 'true' EXIT HUP INT TERM\n"
        text = f"{before}{{ {keeper.script()}; }} <{self.input} >{self.log} 2>&1\n"
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def written(self, name: str) -> bytes:
        path = self.folder / name
        return path.read_bytes() if path.exists() else b""

    def result(self) -> tuple[int, bytes, bytes]:
        """Wait for the end of the program."""
        code, stdout = until(lambda: self._end("stdout"), DEADLINE_SECONDS)
        same_code, stderr = until(lambda: self._end("stderr"), DEADLINE_SECONDS)
        assert code == same_code
        return code, stdout, stderr

    def _end(self, name: str) -> tuple[int, bytes] | None:
        before, mark, after = self.written(name).partition(self.mark)
        return (int(after.splitlines()[0]), before) if mark and b"\n" in after else None

    def send(self, *lines: str) -> None:
        """Send lines of input."""
        with self.input.open("w") as pipe:
            pipe.writelines(f"{line}\n" for line in lines)

    def end(self) -> None:
        """End the session, as its removal does, and wait until the keeper is gone."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.communicate(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            # A shell may lose a signal for what it is about to start.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate(timeout=DEADLINE_SECONDS)
        until(lambda: not self.folder.exists(), DEADLINE_SECONDS)


@contextmanager
def session(
    shell: list[str], place: Path, *argv: str, reads: bool = False, **command: object
) -> Iterator[Session]:
    keeper = Keeper(f"os2-{uuid.uuid4().hex}", Command(argv, **command), reads)  # type: ignore[arg-type]
    started = Session(shell, keeper, place)
    try:
        yield started
    finally:
        started.end()


def alive(pid: Path) -> bool:
    """Return whether the process whose number is in the file runs."""
    try:
        return is_alive(int(pid.read_text()))
    except (OSError, ValueError):
        return False


def stopped(pid: Path) -> None:
    os.kill(int(pid.read_text()), signal.SIGKILL)


WORDS = st.binary(max_size=12).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(WORDS, max_size=4), value=WORDS)
def test_every_byte_of_arguments_and_variables_arrives(
    shell: list[str], tmp_path: Path, words: list[str], value: str
) -> None:
    script = 'printf "%s\\0" "$VALUE" "$PWD" "$@"'
    argv = ("sh", "-c", script, "sh", *words)
    with session(shell, tmp_path, *argv, env={"VALUE": value}, folder="/usr") as running:
        result = running.result()

    expected = b"".join(os.fsencode(word) + b"\0" for word in (value, "/usr", *words))
    assert result == (0, expected, b"")


def test_what_looks_like_a_part_of_the_script_is_an_argument(
    shell: list[str], tmp_path: Path
) -> None:
    words = ("@HERE@", "@MARK@", "@WORDS@", "$here", "'", "EOF")
    with session(shell, tmp_path, "echo", *words) as running:
        assert running.result()[1].decode().split() == list(words)


@pytest.mark.parametrize(
    "size", [0, 1, 65_536, 3_000_000], ids=["nothing", "a byte", "a pipe", "much"]
)
def test_streams_are_exact(shell: list[str], tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "data").write_bytes(data)

    with session(
        shell, tmp_path, "sh", "-c", "cat data; cat data >&2; exit 7", folder=str(tmp_path)
    ) as s:
        assert s.result() == (7, data, data)


@pytest.mark.parametrize(
    ("argv", "folder", "code"),
    [(("no-such-program",), None, 127), (("/",), None, 126), (("true",), "/no such folder", None)],
    ids=["missing", "directory", "folder"],
)
def test_a_program_that_cannot_start_has_a_shells_code(
    shell: list[str], tmp_path: Path, argv: tuple[str, ...], folder: str | None, code: int | None
) -> None:
    with session(shell, tmp_path, *argv, folder=folder) as running:
        status, stdout, stderr = running.result()

    assert status == code if code else status > 0
    assert (stdout, bool(stderr)) == (b"", True)


def test_without_input_stdin_is_empty(shell: list[str], tmp_path: Path) -> None:
    with session(shell, tmp_path, "cat") as running:
        assert running.result() == (0, b"", b"")


def test_input_arrives_while_the_program_runs_and_once(shell: list[str], tmp_path: Path) -> None:
    piece = tmp_path / "piece"
    with session(shell, tmp_path, "cat", reads=True) as running:
        running.send(f"1 text {octal(b'one -%s')}", f"1 text {octal(b'one -%s')}")
        until(lambda: running.written("stdout") == b"one -%s")
        piece.write_bytes(bytes(range(256)) * 1000)
        running.send(f"2 file {piece}", "3 end")

        assert running.result()[1] == b"one -%s" + bytes(range(256)) * 1000
        assert not piece.exists()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(min_size=1, max_size=200), max_size=5))
def test_every_byte_of_input_arrives(shell: list[str], tmp_path: Path, pieces: list[bytes]) -> None:
    with session(shell, tmp_path, "cat", reads=True) as running:
        lines = [f"{number} text {octal(data)}" for number, data in enumerate(pieces, 1)]
        running.send(*lines, f"{len(pieces) + 1} end")

        assert running.result()[1] == b"".join(pieces)


def test_a_program_that_stops_reading_ends(shell: list[str], tmp_path: Path) -> None:
    with session(shell, tmp_path, "head", "-c", "3", reads=True) as running:
        running.send(f"1 text {octal(b'one two')}", "2 text x")

        assert running.result() == (0, b"one", b"")


class TestBackground:
    def test_it_is_not_waited_for_and_lives_on(self, shell: list[str], tmp_path: Path) -> None:
        script = "(while :; do echo x; sleep 0.05; done) & echo $! >pid; echo hi"
        with session(shell, tmp_path, "sh", "-c", script, folder=str(tmp_path)) as running:
            assert running.result()[1].replace(b"x\n", b"") == b"hi\n"

        assert alive(tmp_path / "pid")
        stopped(tmp_path / "pid")

    def test_it_writes_as_much_as_it_likes(self, shell: list[str], tmp_path: Path) -> None:
        script = "(until [ -e go ]; do sleep 0.05; done; head -c 1000000 /dev/zero; echo >done) &"
        with session(shell, tmp_path, "sh", "-c", script, folder=str(tmp_path)) as running:
            running.result()

        (tmp_path / "go").touch()

        until((tmp_path / "done").exists, DEADLINE_SECONDS)

    def test_it_survives_an_interrupt(self, shell: list[str], tmp_path: Path) -> None:
        script = "sh -c 'echo $$ >back; exec sleep 1000' & echo $$ >front; sleep 1001; echo no"
        with session(shell, tmp_path, "sh", "-c", script, folder=str(tmp_path)):
            until(lambda: alive(tmp_path / "back") and alive(tmp_path / "front"))

        until(lambda: not alive(tmp_path / "front"))
        assert alive(tmp_path / "back")
        stopped(tmp_path / "back")


@pytest.mark.parametrize("ignored", ["", "INT", "INT TERM"], ids=["none", "INT", "INT and TERM"])
def test_the_end_of_the_session_ends_the_program(
    shell: list[str], tmp_path: Path, ignored: str
) -> None:
    script = f"trap '' {ignored or 'USR1'}; echo $$ >pid; while :; do sleep 0.05; done"
    with session(shell, tmp_path, "sh", "-c", script, folder=str(tmp_path)):
        until((tmp_path / "pid").exists)

    assert not alive(tmp_path / "pid")


def test_what_a_program_waits_for_ends_with_it(shell: list[str], tmp_path: Path) -> None:
    script = "sh -c 'trap : INT; echo $$ >pid; while :; do sleep 0.05; done'; echo no"
    with session(shell, tmp_path, "sh", "-c", script, folder=str(tmp_path)):
        until(lambda: alive(tmp_path / "pid"))

    assert not alive(tmp_path / "pid")


def test_a_program_can_clean_up_when_it_is_interrupted(shell: list[str], tmp_path: Path) -> None:
    script = "trap 'echo >cleaned; exit' INT; echo started; while :; do sleep 0.05; done"
    with session(shell, tmp_path, "sh", "-c", script, folder=str(tmp_path)) as running:
        until(lambda: running.written("stdout"))

    assert (tmp_path / "cleaned").exists()


def test_a_session_that_ends_at_once_leaves_no_program(shell: list[str], tmp_path: Path) -> None:
    with session(shell, tmp_path, "sh", "-c", f"echo $$ >{tmp_path}/pid; sleep 1000") as running:
        until(running.folder.exists)

    pid = tmp_path / "pid"
    until(lambda: not pid.exists() or not alive(pid))


def test_a_second_start_does_nothing(shell: list[str], tmp_path: Path) -> None:
    keeper = Keeper(f"os2-{uuid.uuid4().hex}", Command(("true",)), reads=False)
    Path(keeper.folder).mkdir()
    try:
        done = subprocess.run(
            shell, input=f"{{ {keeper.script()}; }}\n".encode(), capture_output=True, timeout=10
        )
        assert (done.returncode, list(Path(keeper.folder).iterdir())) == (1, [])
    finally:
        Path(keeper.folder).rmdir()


def test_variables_are_in_no_command_line(shell: list[str], tmp_path: Path) -> None:
    secret = uuid.uuid4().hex
    env = {"TOKEN": secret}
    with session(shell, tmp_path, "sh", "-c", "echo started; sleep 1000", env=env) as running:
        until(lambda: running.written("stdout"))
        lines = command_lines()

    assert not any(secret in word for line in lines for word in line)
