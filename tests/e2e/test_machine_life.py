"""A machine's whole life as its user lives it, in a container and on Daytona."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import docker
import httpx
import pexpect
import pytest

from os2cli.host.ports import candidate_ports
from tests.cli.lives import browser, going_on, interrupted
from tests.command import Os2, Result
from tests.daytona_server import DaytonaServer, Timing
from tests.engine import ENTRYPOINT, engine_endpoint, sandbox_image
from tests.polling import until
from tests.processes import command_lines, tree

pytestmark = pytest.mark.engine

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
KEY_VALUE = "canary-value-4711"


@dataclass
class Life:
    """os2, and the machine under test."""

    os2: Os2
    type_: str
    name: str = "life"

    def __call__(self, command: str, *arguments: str, **env: str) -> Result:
        """Run a machine command on it."""
        return self.os2("machine", command, self.name, *arguments, env=env)

    def inside(self, script: str) -> str:
        """Return the output of a shell script in it."""
        result = self("exec", "--", "sh", "-c", script)
        assert result.status == 0, result.stderr
        return result.stdout

    def argv(self, command: str, *arguments: str) -> tuple[str, ...]:
        return ("machine", command, self.name, *arguments)


@pytest.fixture
def daytona() -> Iterator[DaytonaServer]:
    """Daytona, whose sandboxes are containers."""
    timing = Timing(build=0, pull=0, boot=0, create_block=0.3)
    with DaytonaServer(engine_endpoint().url, timing=timing) as server:
        yield server
        assert server.violations == []


@pytest.fixture(params=["local-docker", "daytona"])
def life(request: pytest.FixtureRequest, os2: Os2, stage: str) -> Life:
    """A machine of each provider, healthy."""
    if request.param == "daytona":
        server: DaytonaServer = request.getfixturevalue("daytona")
        snapshot = f"{stage}--20260111-193045"
        server.add_snapshot(snapshot, image=sandbox_image(), entrypoint=ENTRYPOINT)
        keys = {"DAYTONA_API_URL": server.url, "DAYTONA_API_KEY": server.api_key}
        os2 = replace(os2, env={**os2.env, **keys})
    life = Life(os2, request.param, f"life-{uuid.uuid4().hex[:6]}")
    made = life("create", "--type", life.type_, "--ttl", "2h", "-e", "KEY_HERE", KEY_HERE=KEY_VALUE)
    assert made.status == 0, made.stderr
    return life


@pytest.mark.parametrize("isolation", ["default", "strict"])
def test_it_starts_on_another_port_with_its_files(os2: Os2, isolation: str) -> None:
    life = Life(os2, "local-docker", f"life-{uuid.uuid4().hex[:6]}")
    made = life("create", "--isolation", isolation, "--json")
    port = json.loads(made.stdout)["port"]
    life.inside("echo mine > ~/notes; echo mine > /var/tmp/notes")
    assert life("stop").status == 0
    with socket.create_server(("127.0.0.1", port)):
        refused = life("start")
        assert refused.status == 5
        assert f"os2 machine start {life.name} --port" in refused.stderr
        for other in candidate_ports([port]):
            moved = life("start", "--port", str(other), "--json")
            break
        assert moved.status == 0, moved.stderr

        assert life.inside("cat ~/notes /var/tmp/notes").split() == ["mine", "mine"]
        shown = json.loads(life("show", "--json").stdout)
        assert (shown["port"], shown["health"]) == (other, "healthy")
    assert life("stop").status == 0
    assert life("start", "--port", str(port)).status == 0
    assert life.inside("cat ~/notes /var/tmp/notes").split() == ["mine", "mine"]
    assert life("rm", "--yes").status == 0
    assert life("show").status == 3


def test_a_renamed_container_stays_its_machine(os2: Os2, engine: docker.APIClient) -> None:
    life = Life(os2, "local-docker", f"life-{uuid.uuid4().hex[:6]}")
    assert life("create").status == 0
    engine.rename(f"os2-{life.name}", f"mine-{life.name}")
    listed = {each["name"] for each in json.loads(os2("machine", "list", "--json").stdout)}

    assert life.name in listed
    assert life("show").status == 0
    assert life("create").status == 5
    assert life("rm", "--yes").status == 0
    assert life("show").status == 3


def page(life: Life) -> httpx.Response:
    """Return the daemon's page, opened with the printed URL and header."""
    address = life("url").stdout.strip()
    headers = {}
    if life.type_ == "daytona":
        name, _, value = life("url", "--header").stdout.strip().partition(": ")
        headers[name] = value
    return httpx.get(f"{address}/api/health", headers=headers, trust_env=False, timeout=20)


def test_a_life(life: Life, tmp_path: Path) -> None:
    listed = life.os2("machine", "list", "--filter", f"name={life.name}")
    assert life.name in listed.stdout
    assert re.search(r"\b(1|2) h left", listed.stdout)
    shown = life("show", "--json").json()
    assert (shown["type"], shown["health"]) == (life.type_, "healthy")
    assert KEY_VALUE not in json.dumps(shown)

    # Programs
    assert life.inside('echo "$KEY_HERE"') == f"{KEY_VALUE}\n"
    assert life("exec", "--", "sh", "-c", "exit 9").status == 9
    assert life("exec", "--", "no-such-program").status == 127
    assert life("exec", "-w", "/no/such/folder", "--", "echo", "ran").stdout == ""
    piped = life.os2.shell('echo "some text" | "$@"', *life.argv("exec", "-i", "--", "wc", "-c"))
    assert piped.stdout.strip() == "10"
    document = life("exec", "--json", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (document.status, document.json()["stdout"], document.json()["stderr"]) == (
        3, "out\n", "err\n",
    )  # fmt: skip

    # Logs
    assert life("logs", "--tail", "1").stdout.count("\n") == 1
    service = life("logs", "--service", "iterate-server").stdout
    assert "listening on port" in service
    none = life("logs", "--service", "nothing")
    assert (none.status, "iterate-server" in none.stderr) == (3, True)
    with going_on(
        life.os2, *life.argv("logs", "--service", "iterate-server", "-f", "-n", "1")
    ) as f:
        assert f.stdout is not None
        assert f.stdout.readline()
        life.inside("echo 2026-01-11 19:30:45.0 more >> /var/log/iterate-server/current")
        assert "more" in f.stdout.readline()
        assert interrupted(f)[0] == 130
    until(lambda: "tail -n" not in life.inside("ps -eo args"), 10)

    # Files
    (life.os2.folder / "docs").mkdir()
    (life.os2.folder / "docs/notes").write_text("some text\n")
    assert life.os2("machine", "cp", "docs", f"{life.name}:/tmp/").status == 0
    assert life.inside("cat /tmp/docs/notes; id -un; stat -c %U /tmp/docs/notes").split() == [
        "some", "text", *[life.inside("id -un").strip()] * 2,
    ]  # fmt: skip
    assert life.os2("machine", "cp", f"{life.name}:/tmp/docs", "back").status == 0
    assert (life.os2.folder / "back/notes").read_text() == "some text\n"
    assert life.os2("machine", "cp", f"{life.name}:/no/such", ".").status == 3

    # The page
    assert page(life).json()["status"] == "ok"
    opened = life("open", **browser(tmp_path))
    assert opened.status == 0, opened.stderr
    assert "<html" in (tmp_path / "page").read_text().lower()

    # Its states
    life.inside("echo kept > /home/node/kept 2>/dev/null || echo kept > ~/kept")
    restarted = life("restart")
    assert restarted.status == 0, restarted.stderr
    assert page(life).json()["status"] == "ok"
    assert life("wait", "--timeout", "30").status == 0
    assert life("stop").stdout == f"stopped {life.name}\n"
    assert life("stop").stdout == f"{life.name} is already stopped\n"
    refused = life("exec", "--", "true")
    assert (refused.status, refused.stdout) == (5, "")
    assert f"os2 machine start {life.name}" in refused.stderr
    assert life("wait").status == 5
    assert life("start").status == 0
    archived = life("archive")
    assert archived.stdout == f"archived {life.name}\n"
    assert life("start").status == 0
    assert life.inside("cat ~/kept /home/node/kept 2>/dev/null | head -1") == "kept\n"
    assert page(life).json()["status"] == "ok"

    assert life("rm").stdout == f"removed {life.name}\n"
    gone = life("show")
    assert (gone.status, life("exec", "--", "true").status) == (3, 3)


def test_a_shell_is_a_real_terminal(life: Life) -> None:
    program, *rest = life.os2.argv(*life.argv("shell"))
    child = pexpect.spawn(
        program,
        rest,
        cwd=str(life.os2.folder),
        env={**life.os2.env, "TERM": "xterm"},
        dimensions=(30, 100),
        timeout=30,
        encoding="utf-8",
    )

    marks = count()

    def ask(line: str) -> str:
        # Distinct from its echo; a shell may print its prompt any number of times.
        mark = f"mark{next(marks)}end"
        child.sendline(f"{line}; echo {mark[:4]}''{mark[4:]}")
        child.expect_exact(f"{mark}\r\n")
        return ESCAPES.sub("", child.before or "").replace("\r", "")

    assert "30 100" in ask("stty size")
    child.setwinsize(40, 120)
    deadline = time.monotonic() + 10
    while "40 120" not in ask("stty size"):
        assert time.monotonic() < deadline
    if life.type_ == "daytona":
        assert "ssh" in str(command_lines(tree(child.pid)))

    # The program reports that it runs: an earlier Ctrl-C would go to the shell.
    child.sendline("""sh -c 'trap "exit 9" INT; echo beg""un; while :; do sleep 0.1; done'""")
    child.expect_exact("begun\r\n")
    child.sendintr()
    child.expect_exact("^C")
    assert "code=9" in ask("echo code=$?")
    child.sendline("exit 7")
    child.expect(pexpect.EOF)
    child.close()

    # Daytona does not report how a shell ended.
    assert child.exitstatus == (7 if life.type_ == "local-docker" else 0)
    assert "trap" not in life.inside("ps -eo args")


def endless(mark: str) -> str:
    """Return a script that runs forever, as does its child."""
    return f"echo started; sleep {mark} | while :; do echo more; sleep 0.1; done"


@pytest.fixture
def mark() -> str:
    """Return a number of seconds that no other process sleeps for."""
    return f"9{uuid.uuid4().int % 10**8}"


def test_ctrl_c_here_ends_it_there(life: Life, mark: str) -> None:
    with going_on(life.os2, *life.argv("exec", "--", "sh", "-c", endless(mark))) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        assert interrupted(process)[0] == 128 + signal.SIGINT

    until(lambda: mark not in life.inside("ps -eo args"), 10)


def test_a_reader_that_goes_ends_it_there(life: Life, mark: str) -> None:
    argv = life.os2.argv(*life.argv("exec", "--", "sh", "-c", endless(mark)))
    done = subprocess.run(
        ["sh", "-c", '"$@" | head -1', "sh", *argv],
        cwd=life.os2.folder, env=dict(life.os2.env), capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("started\n", "")
    until(lambda: mark not in life.inside("ps -eo args"), 10)


# How hard Daytona tries is up to Daytona.
@pytest.mark.parametrize("life", ["local-docker"], indirect=True)
def test_a_program_that_ignores_signals_is_killed(life: Life, mark: str) -> None:
    script = f"trap '' TERM INT HUP; {endless(mark)}"
    with going_on(life.os2, *life.argv("exec", "--", "sh", "-c", script)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        assert interrupted(process)[0] == 128 + signal.SIGINT

    until(lambda: mark not in life.inside("ps -eo args"), 10)


def test_old_machines_are_pruned_but_none_of_another_stage(life: Life, stage: str) -> None:
    def prune(*options: str) -> Result:
        where = ("--type", life.type_, "--stage", stage, "--older-than", "1s")
        return life.os2("machine", "prune", *where, *options)

    until(lambda: life.name in prune("--dry-run", "--quiet").stdout, 20)
    elsewhere = life.os2(
        "machine", "prune", "--type", life.type_, "--stage", "dev-none", "--older-than", "1s", "-y"
    )
    assert (elsewhere.status, elsewhere.stderr) == (0, "nothing to remove\n")

    assert prune("--yes", "--quiet").stdout == f"{life.name}\n"
    assert life("show").status == 3
