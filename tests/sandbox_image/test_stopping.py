"""How a machine stops, and its health for the engine."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import MOUNT, Sandbox, eventually, write_files

pytestmark = pytest.mark.engine

STUBBORN = """\
#!/bin/sh
trap '' TERM INT HUP
echo "$0 is here"
while :; do sleep 1; done
"""
# Its leftover process holds the logger's pipe open and ignores signals.
LEAVING = """\
#!/bin/sh
setsid sh -c "trap '' TERM INT HUP; while :; do sleep 1; done" &
echo "$0 is here"
exec sleep 1000
"""
LOGGER = "#!/bin/sh\nexec s6-log T /var/log/leaving\n"
KILLED_LATE = "60000\n"
# The first milliseconds of a program, before it handles signals, as long as a test needs.
NOT_LISTENING = """\
#!/bin/sh
echo "$0 is here"
exec sleep 1000
"""
# The first signal comes between fork and exec, where the shell's handler still swallows it.
MISSING_THE_FIRST = """\
#!/bin/sh
trap 'trap - TERM' TERM
echo "$0 is here"
while :; do sleep 0.1; done
"""
COUNTING = """\
#!/bin/sh
trap 'echo "$0 is asked"' TERM
echo "$0 is here"
while :; do sleep 0.1; done
"""
PROGRAMS = f"{MOUNT}/programs"
PATH = f"{PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_a_machine_stops_at_once(run_sandbox: RunSandbox) -> None:
    sandbox = run_sandbox().wait_until_ready("example-service-b-depends-on-a")

    stopped = sandbox.stop()

    assert stopped.code == 0
    assert stopped.seconds < 5


def test_a_machine_stops_while_its_services_start(run_sandbox: RunSandbox) -> None:
    stopped = run_sandbox().stop()

    assert stopped.code == 0
    assert stopped.seconds < 5


@pytest.mark.parametrize("milliseconds", [0, 20, 60, 120, 250])
def test_a_machine_stops_as_soon_as_it_is_started(
    run_sandbox: RunSandbox, milliseconds: int
) -> None:
    sandbox = run_sandbox(wait=False).wait_until_started()
    time.sleep(milliseconds / 1000)  # to hit another moment of its start

    stopped = sandbox.stop()

    assert stopped.code == 0
    assert stopped.seconds < 5


@pytest.mark.parametrize(
    ("program", "script"),
    [
        ("sh", NOT_LISTENING),
        ("node", NOT_LISTENING),
        ("node", MISSING_THE_FIRST),
        ("s6-svscan", NOT_LISTENING),
        ("s6-svscan", MISSING_THE_FIRST),
    ],
    ids=["shell", "entry", "entry-misses-one", "supervisor", "supervisor-misses-one"],
)
@pytest.mark.parametrize("signal", ["SIGTERM", "SIGINT"])
def test_a_machine_stops_between_two_programs(
    run_sandbox: RunSandbox, checkout: Path, program: str, script: str, signal: str
) -> None:
    write_files(checkout, {f"programs/{program}": script})
    sandbox = run_sandbox(mount=checkout, environment={"PATH": PATH}, wait=False)
    eventually(lambda: f"{PROGRAMS}/{program} is here" in sandbox.logs(), f"{program} is started")
    begun = time.monotonic()

    sandbox.engine.kill(sandbox.container, signal)

    assert sandbox.wait_until_ended() == 0
    # Not because the three seconds for services were over.
    assert time.monotonic() - begun < 3


def test_a_stop_succeeds_where_the_machine_is_not_the_first_process(
    run_sandbox: RunSandbox,
) -> None:
    sandbox = run_sandbox()
    entrypoint = sandbox.inspect()["Config"]["Entrypoint"]
    init = entrypoint[: entrypoint.index("sh")]

    for signal, code in (("TERM", 0), ("INT", 0), ("KILL", 137)):
        assert sandbox.exec([*init, "sh", "-c", f"kill -{signal} $$"]) == (code, "")


def test_an_interrupt_also_stops_it(run_sandbox: RunSandbox) -> None:
    sandbox = run_sandbox()

    sandbox.engine.kill(sandbox.container, "SIGINT")

    assert sandbox.wait_until_ended() == 0


@pytest.mark.parametrize(
    "files",
    [
        {"ignores-term/run": STUBBORN},
        {
            "is-killed-late/run": STUBBORN,
            "is-killed-late/timeout-kill": KILLED_LATE,
            "leaves-a-process/run": LEAVING,
            "leaves-a-process/log/run": LOGGER,
            "finishes-slowly/run": "#!/bin/sh\nexec sleep 1000\n",
            "finishes-slowly/finish": "#!/bin/sh\nsleep 1000\n",
        },
    ],
    ids=["one", "several"],
)
def test_stubborn_services_do_not_hold_it_up(
    run_sandbox: RunSandbox, checkout: Path, files: dict[str, str]
) -> None:
    write_files(checkout / ".os2/services", files)
    sandbox = run_sandbox(mount=checkout)
    for service in {name.partition("/")[0] for name in files}:
        eventually(partial(runs, sandbox, service), f"{service} runs")

    stopped = sandbox.stop()

    assert stopped.code == 0
    assert stopped.seconds < 5


def test_a_service_gets_one_signal(run_sandbox: RunSandbox, checkout: Path) -> None:
    """However many the supervisor gets: a second signal kills many programs in their cleanup."""
    write_files(checkout / ".os2/services", {"counting/run": COUNTING})
    sandbox = run_sandbox(mount=checkout)
    eventually(lambda: "./run is here" in sandbox.logs(), "it runs")

    stopped = sandbox.stop()

    assert stopped.code == 0
    assert 2 <= stopped.seconds < 5
    assert sandbox.lines("./run is asked") == ["./run is asked"]


def runs(sandbox: Sandbox, service: str) -> bool:
    return sandbox.pid(service) > 0


def test_a_stopped_machine_starts_again(run_sandbox: RunSandbox) -> None:
    sandbox = run_sandbox()
    sandbox.write("/home/node/repo/mine.txt", "mine")

    sandbox.restart().wait_until_healthy()

    assert sandbox.read("/home/node/repo/mine.txt") == "mine"


def test_a_killed_machine_starts_again(run_sandbox: RunSandbox) -> None:
    sandbox = run_sandbox()
    sandbox.engine.kill(sandbox.container)
    sandbox.wait_until_ended()

    sandbox.start().wait_until_healthy()

    eventually(lambda: runs(sandbox, "example-service-a"), "the services run")


def test_the_engine_finds_it_healthy_on_any_port(run_sandbox: RunSandbox) -> None:
    usual = run_sandbox()
    other = run_sandbox(wait=False, environment={"ITERATE_SERVER_PORT": "3456"})

    for sandbox in (usual, other):
        eventually(partial(is_healthy, sandbox), "the engine finds it healthy")

    assert '"status":"ok"' in other.output("curl", "-fsS", "http://127.0.0.1:3456/api/health")


def is_healthy(sandbox: Sandbox) -> bool:
    return bool(sandbox.state()["Health"]["Status"] == "healthy")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ITERATE_SERVER_PORT", "http"),
        ("ITERATE_REPO_DIR", "repo"),
        ("ITERATE_GIT_REF", "--upload-pack=touch /tmp/x"),
        ("ITERATE_REPO_URL", "--upload-pack=touch"),
    ],
)
def test_an_invalid_setting_is_reported_in_one_line(
    run_sandbox: RunSandbox, name: str, value: str
) -> None:
    sandbox = run_sandbox(wait=False, environment={name: value})

    assert sandbox.wait_until_ended() == 1
    (line,) = sandbox.logs().splitlines()
    assert line.startswith(f"entry: step settings failed: {name} ")
