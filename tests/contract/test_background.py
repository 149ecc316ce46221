"""What ``machine exec`` leaves running, and what ends with it: the same on every provider."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pexpect
import pytest

from tests.cli.lives import going_on
from tests.command import Os2, Result, base_environment
from tests.contract.conftest import SNAPSHOT, STAGE
from tests.daytona_server import DaytonaServer, Timing
from tests.engine import ENTRYPOINT, engine_endpoint, sandbox_image
from tests.polling import until

# How a shell's program gets into the background; each runs as long as the number says.
WAYS = {
    "job": "sleep {} &",
    "nohup": "nohup sleep {} &",
    "session": "setsid sleep {} &",
    "grandchild": "(sleep {} &);",
    "daemon": "setsid sh -c 'sleep {} & :';",
    "without streams": "sleep {} >/dev/null 2>&1 &",
    "shell": "sh -c 'sleep {}; :' &",
}
STARTED = "echo started"
MORE_THAN_A_PIPE_HOLDS = 16_000
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@dataclass(frozen=True)
class Guest:
    """os2 and a machine that several tests share."""

    os2: Os2
    name: str

    def __call__(self, command: str, *arguments: str) -> Result:
        """Run a machine command on it."""
        return self.os2(*self.argv(command, *arguments))

    def argv(self, command: str, *arguments: str) -> tuple[str, ...]:
        return ("machine", command, self.name, *arguments)

    def inside(self, script: str, *arguments: str) -> Result:
        """Run a shell script in it."""
        return self("exec", "--", "sh", "-c", script, "sh", *arguments)

    @contextmanager
    def going_on(self, script: str, *options: str) -> Iterator[Popen[str]]:
        """Start a shell script in it that prints a line at its start."""
        with going_on(self.os2, *self.argv("exec", *options, "--", "sh", "-c", script)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            yield process

    def new_path(self) -> str:
        """Return a path in it at which nothing is yet, below what goes with it."""
        home = self.inside('echo "$HOME"').stdout.strip()
        return f"{home}/{uuid.uuid4().hex}"

    def sleepers(self, seconds: str) -> list[str]:
        """Return for how long programs in it sleep, if it begins with that number."""
        found = self("exec", "--", "pgrep", "-a", "-f", f"^sleep {seconds}")
        return sorted(line.split()[-1] for line in found.stdout.splitlines())


def local_process(stack: ExitStack, folder: Path) -> Guest:
    """Processes of this host."""
    env = base_environment(folder / "home") | {"DOCKER_HOST": "tcp://127.0.0.1:1"}
    return _created(stack, folder, env, "local-process")


def local_docker(stack: ExitStack, folder: Path) -> Guest:
    """A container on the engine."""
    env = base_environment(folder / "home")
    env |= {"APP_STAGE": STAGE, "LOCAL_DOCKER_IMAGE_NAME": sandbox_image()}
    return _created(stack, folder, env, "local-docker")


TIMING = Timing(build=0, pull=0, boot=0, create_block=0.3)


def daytona_here(stack: ExitStack, folder: Path) -> Guest:
    """A sandbox of the Daytona test server whose programs run on this host."""
    server = stack.enter_context(DaytonaServer(timing=TIMING))
    server.add_snapshot(SNAPSHOT)
    return _on_daytona(stack, server, folder)


def daytona(stack: ExitStack, folder: Path) -> Guest:
    """A sandbox of the Daytona test server that is a container on the engine."""
    server = stack.enter_context(DaytonaServer(engine_endpoint().url, timing=TIMING))
    server.add_snapshot(SNAPSHOT, image=sandbox_image(), entrypoint=ENTRYPOINT)
    return _on_daytona(stack, server, folder)


def _on_daytona(stack: ExitStack, server: DaytonaServer, folder: Path) -> Guest:
    stack.callback(lambda: pytest.fail(str(server.violations)) if server.violations else None)
    env = base_environment(folder / "home") | {"APP_STAGE": STAGE}
    env |= {"DAYTONA_API_URL": server.url, "DAYTONA_API_KEY": server.api_key}
    return _created(stack, folder, env, "daytona")


def _created(stack: ExitStack, folder: Path, env: dict[str, str], type_: str) -> Guest:
    work = folder / "work"
    work.mkdir()
    guest = Guest(Os2(work, env), f"background-{uuid.uuid4().hex[:6]}")
    stack.callback(guest, "rm", "--yes")
    created = guest("create", "--type", type_)
    assert created.status == 0, created.stderr
    return guest


DOCKER = pytest.param(local_docker, marks=pytest.mark.engine)
DAYTONA = pytest.param(daytona, marks=pytest.mark.engine)
GUESTS = [local_process, daytona_here, DOCKER, DAYTONA]


@pytest.fixture(params=GUESTS, scope="module")
def guest(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guest]:
    """A machine of each provider in turn."""
    with ExitStack() as stack:
        yield request.param(stack, tmp_path_factory.mktemp("guest"))


def number() -> str:
    """Return a number of seconds that no other process sleeps for."""
    return f"9{uuid.uuid4().int % 10**8}"


@pytest.mark.parametrize("way", WAYS)
def test_exec_returns_with_its_program_and_leaves_the_background_running(
    guest: Guest, way: str
) -> None:
    seconds = number()

    result = guest.inside(f"{WAYS[way].format(seconds)} echo out; echo err >&2; exit 7")

    assert (result.status, result.stdout) == (7, "out\n")
    assert "err\n" in result.stderr
    # Until it is replaced by its program, a fork counts as the shell.
    until(lambda: guest.sleepers(seconds))


def test_exec_passes_all_that_its_program_wrote_before_its_end(guest: Guest) -> None:
    result = guest.inside(f"sleep {number()} & seq 300000; seq 300000 >&2; exit 3")

    lines = "".join(f"{each}\n" for each in range(1, 300_001))
    assert result.status == 3
    assert result.stdout == lines
    assert result.stderr == lines


@pytest.mark.parametrize("to", ["", ">&2"])
def test_exec_ends_while_the_background_writes(guest: Guest, to: str) -> None:
    file = guest.new_path()
    writer = f"for each in $(seq 6000); do echo more; sleep 0.01; done {to}; touch {file}"

    result = guest.inside(f"sh -c '{writer}' & echo $! >{file}.pid; sleep 0.3; exit 5")

    assert result.status == 5
    assert guest.inside(f"[ ! -e {file} ] && kill $(cat {file}.pid)").status == 0


@pytest.mark.parametrize("way", ["{} &", "nohup {} &", "setsid {} &"])
def test_the_background_goes_on_writing_after_exec(guest: Guest, way: str) -> None:
    file = guest.new_path()
    # The shell itself writes. An engine closes the streams 2 seconds after its first process.
    script = (
        f"text=$(seq {MORE_THAN_A_PIPE_HOLDS}); while [ ! -e {file}.end ]; do "
        f'echo "$text"; echo "$text" >&2; echo round >>{file}; sleep 0.1; done'
    )
    writer = way.format(f"sh -c '{script}'")

    assert guest.inside(f"{writer} echo hi").status == 0
    begun = time.monotonic()

    def rounds() -> int:
        return int(guest.inside(f"cat {file} | wc -l").stdout)

    until(lambda: time.monotonic() - begun > 5 and rounds())
    before = rounds()
    until(lambda: rounds() > before + 5)
    guest.inside(f"touch {file}.end")


def test_the_background_ends_with_the_machine(guest: Guest) -> None:
    seconds = number()
    guest.inside(_all_ways(seconds))
    until(lambda: len(guest.sleepers(seconds)) == len(WAYS))

    stopped = guest("stop")
    started = guest("start")

    assert (stopped.status, started.status) == (0, 0), stopped.stderr + started.stderr
    assert not guest.sleepers(seconds)


@pytest.mark.parametrize("options", [(), ("-i",)], ids=["without stdin", "with stdin"])
@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_ends_the_foreground_only(
    guest: Guest, signum: signal.Signals, options: tuple[str, ...]
) -> None:
    background, foreground = number(), number()
    script = f"{_all_ways(background)} {STARTED}; sh -c 'sleep {foreground}; :'; sleep {foreground}"
    with guest.going_on(script, *options) as process:
        # Until it is replaced by its program, a fork counts as the shell.
        until(lambda: len(guest.sleepers(background)) == len(WAYS))
        process.send_signal(signum)
        _, stderr = process.communicate(timeout=30)

    assert (process.returncode, stderr) == (128 + signum, f"os2: stopped by {signum.name}\n")
    assert not guest.sleepers(foreground)
    assert guest.sleepers(background) == [f"{background}.{index}" for index in range(len(WAYS))]


@pytest.mark.parametrize("trap", ["", "trap : INT;", "trap '' INT;", "trap '' INT TERM HUP QUIT;"])
def test_a_program_that_handles_signals_is_ended(guest: Guest, trap: str) -> None:
    seconds = number()
    script = f"{trap} {STARTED}; sleep {seconds}; while :; do sleep {seconds}; done"
    with guest.going_on(script) as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert process.returncode == 130
    assert not guest.sleepers(seconds)


def test_an_interrupted_program_can_clean_up(guest: Guest) -> None:
    file = guest.new_path()
    cleanup = f"seq {MORE_THAN_A_PIPE_HOLDS}; echo done >{file}; exit"
    with guest.going_on(f"trap '{cleanup}' INT; {STARTED}; while :; do sleep 0.1; done") as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert guest.inside(f"cat {file}; rm {file}").stdout == "done\n"


def test_a_reader_that_goes_ends_the_foreground_only(guest: Guest, tmp_path: Path) -> None:
    background, foreground = number(), number()
    loop = "while :; do echo more; sleep 0.1; done"
    script = f"sleep {background} & {STARTED}; sleep {foreground} | {{ {loop}; }}"

    result = guest.os2.shell(
        f'{{ "$@"; echo $? >{tmp_path}/status; }} | head -1',
        *guest.argv("exec", "--", "sh", "-c", script),
    )

    assert (result.stdout, result.stderr) == ("started\n", "")
    assert (tmp_path / "status").read_text() == "141\n"
    assert not guest.sleepers(foreground)
    assert guest.sleepers(background)


# On Daytona a shell is one of its SSH gateway's, whose end hangs up.
@pytest.mark.parametrize("guest", [local_process, DOCKER], indirect=True)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_foreground_of_a_shell_only(guest: Guest, signum: signal.Signals) -> None:
    background, foreground = number(), number()
    program, *arguments = guest.os2.argv(*guest.argv("shell"))
    env = {**guest.os2.env, "TERM": "dumb"}
    child = pexpect.spawn(program, arguments, cwd=str(guest.os2.folder), env=env, timeout=30)
    try:
        child.sendline(f"sleep {background}.0 & nohup sleep {background}.1 &")
        child.sendline(f"sh -c 'echo beg''un; sleep {foreground}; :'")
        child.expect_exact("begun\r\n")
        child.kill(signum)
        until(lambda: not child.isalive())
    finally:
        child.close(force=True)

    assert child.exitstatus == 128 + signum
    assert guest.sleepers(foreground) == []
    assert guest.sleepers(background) == [f"{background}.0", f"{background}.1"]


# On this host os2 itself has the word in its arguments.
@pytest.mark.parametrize("guest", [DOCKER], indirect=True)
def test_a_program_finds_no_other_with_its_arguments(guest: Guest) -> None:
    word = uuid.uuid4().hex

    assert guest("exec", "--", "pgrep", "-f", word).status == 1


def _all_ways(seconds: str) -> str:
    """Return what starts a program in each way; they sleep for fractions of a second more."""
    return " ".join(way.format(f"{seconds}.{index}") for index, way in enumerate(WAYS.values()))
