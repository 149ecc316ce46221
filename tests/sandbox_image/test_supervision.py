"""The services and their supervisor."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial

import pytest

from tests.sandbox_image.conftest import RunSandbox
from tests.sandbox_image.sandbox import Sandbox, eventually

pytestmark = pytest.mark.engine

A = "example-service-a"
B = "example-service-b-depends-on-a"
SERVER = "iterate-server"
# Signals 32 and 33, which programs cannot set and some engines ignore in containers.
C_LIBRARY_S_OWN = 0b11 << 31
B_LOG = "/var/log/example-service-b/current"
A_LISTENS = f"{A}: listening on port 3001"
HEALTH = {
    SERVER: "http://127.0.0.1:3000/api/health",
    A: "http://127.0.0.1:3001/health",
    B: "http://127.0.0.1:3002/health",
}


@pytest.fixture(scope="module")
def sandbox(run_shared_sandbox: RunSandbox) -> Sandbox:
    """A machine as it started."""
    return run_shared_sandbox().wait_until_ready(*HEALTH)


@pytest.fixture(scope="module")
def shared(run_shared_sandbox: RunSandbox) -> Sandbox:
    return run_shared_sandbox()


@pytest.fixture
def disturbed(shared: Sandbox) -> Sandbox:
    """A machine that has recovered from earlier tests, which may have killed services."""
    return shared.wait_until_ready(*HEALTH)


def folder(service: str) -> str:
    return f"/run/os2/services/{service}"


def nanoseconds(text: str) -> int:
    """Return the time of a TAI64N label like ``@4000000065...``."""
    return int(text[1:17], 16) * 10**9 + int(text[17:], 16)


def restarted(sandbox: Sandbox, service: str, before: int) -> bool:
    return sandbox.pid(service) not in (-1, before)


def zombies(sandbox: Sandbox) -> list[str]:
    stats = sandbox.shell("cat /proc/[0-9]*/stat 2>/dev/null || true").splitlines()
    return [stat for stat in stats if stat.rpartition(")")[2].split()[:1] == ["Z"]]


def supervisor(sandbox: Sandbox) -> int:
    return int(sandbox.output("pgrep", "-x", "s6-svscan"))


def test_neither_the_first_process_nor_the_supervisor_is_root(sandbox: Sandbox) -> None:
    first, second = 1, supervisor(sandbox)

    said = sandbox.shell(
        f"for pid in {first} {second}; do grep -E '^(Name|[UG]id)' /proc/$pid/status; done"
    )

    ids = ["1000"] * 4
    names = ("tini-static", "s6-svscan")
    assert said.split() == [
        word for name in names for word in ("Name:", name, "Uid:", *ids, "Gid:", *ids)
    ]


@pytest.mark.parametrize("service", HEALTH)
def test_a_service_reports_its_health(sandbox: Sandbox, service: str) -> None:
    def is_healthy() -> bool:
        return '"status":"ok"' in sandbox.output("curl", "-fsS", HEALTH[service])

    assert eventually(is_healthy, "its health")


def test_a_is_ready_after_its_delay(sandbox: Sandbox) -> None:
    times = sandbox.output("s6-svstat", "-o", "updownsince,readysince", folder(A)).split()

    started, ready = map(nanoseconds, times)
    assert 2 <= (ready - started) / 1e9 < 15


def test_b_starts_when_a_is_ready(sandbox: Sandbox) -> None:
    log = sandbox.logs(timestamps=True).splitlines()
    (a_listens,) = [line.split()[0] for line in log if A_LISTENS in line]

    b_listens = sandbox.read(B_LOG).splitlines()[0]

    assert b_listens.endswith("example-service-b: listening on port 3002")
    # Both clocks are the host's, and both print nine digits after the second.
    assert a_listens[:19].replace("T", " ") + a_listens[19:28] < b_listens[:28]


def test_b_waits_as_long_as_a_is_down(disturbed: Sandbox) -> None:
    sandbox = disturbed
    sandbox.output("s6-svc", "-wD", "-T", "9000", "-d", folder(A))

    sandbox.output("s6-svc", "-wD", "-T", "9000", "-r", folder(B))

    assert not sandbox.succeeds("s6-svwait", "-U", "-t", "1500", folder(B))
    sandbox.output("s6-svc", "-u", folder(A))
    sandbox.wait_until_ready(A, B)


def test_b_waits_for_a_s_supervisor(disturbed: Sandbox) -> None:
    """Supervisors start concurrently, so A's may come later than B."""
    disturbed.shell(f"""
        mkdir -p /tmp/scan/{B}/supervise /tmp/scan/{A}/supervise
        cp {folder(B)}/run /tmp/scan/{B}/run
        cd /tmp/scan/{B}
        ! timeout 0.5 sh ./run > /tmp/scan/said
        """)

    assert disturbed.read("/tmp/scan/said") == ""


def test_b_s_ping_is_a_s_answer_and_then_its_own(sandbox: Sandbox) -> None:
    said = sandbox.output("curl", "-fsS", "http://127.0.0.1:3002/ping")

    assert said.splitlines() == ["pong from example-service-a", "pong from example-service-b"]


def test_b_logs_to_its_file_with_the_time(sandbox: Sandbox) -> None:
    (line,) = [line for line in sandbox.read(B_LOG).splitlines() if "listening" in line]

    time = re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line)
    assert time, line
    age = datetime.now(UTC) - datetime.fromisoformat(f"{time[0]}+00:00")
    assert 0 <= age.total_seconds() < 600
    assert "example-service-b" not in "".join(sandbox.lines("example"))


def test_a_logs_to_the_container(sandbox: Sandbox) -> None:
    assert sandbox.lines(A) == [f"{A}: starting, takes 2000 ms", A_LISTENS]
    assert not sandbox.has(f"/var/log/{A}")


def test_the_server_logs_to_its_file(sandbox: Sandbox) -> None:
    assert "listening on port 3000" in sandbox.read("/var/log/iterate-server/current")
    assert sandbox.lines(SERVER) == []


def test_a_restarted_service_is_a_new_process(disturbed: Sandbox) -> None:
    before, lines = disturbed.pid(A), disturbed.lines(A)

    disturbed.output("s6-svc", "-r", folder(A))

    wanted = [*lines, f"{A}: starting, takes 2000 ms", A_LISTENS]
    eventually(lambda: disturbed.lines(A) == wanted, "its lines once more")
    assert disturbed.pid(A) != before


def test_dead_services_are_restarted_and_leave_nothing(disturbed: Sandbox) -> None:
    sandbox = disturbed
    before = {service: sandbox.pid(service) for service in HEALTH}

    sandbox.output("kill", "-KILL", *map(str, before.values()))

    for service, url in HEALTH.items():
        eventually(partial(restarted, sandbox, service, before[service]), f"{service} restarts")
        eventually(partial(sandbox.succeeds, "curl", "-fsS", url), f"{service} answers")
    sandbox.wait_until_ready(*HEALTH)
    eventually(lambda: zombies(sandbox) == [], "no zombies")


def test_a_dead_logger_is_restarted_and_continues(disturbed: Sandbox) -> None:
    logger = disturbed.pid(f"{B}/log")

    disturbed.output("kill", "-KILL", str(logger))

    disturbed.shell(f"echo 'is anybody there' > /proc/{disturbed.pid(B)}/fd/1")
    eventually(lambda: "is anybody there" in disturbed.read(B_LOG), "the line is written")
    assert restarted(disturbed, f"{B}/log", logger)


def test_orphans_are_reaped(sandbox: Sandbox) -> None:
    sandbox.shell("for i in 1 2 3; do (sleep 0.1 & ); done")

    eventually(lambda: "sleep" not in sandbox.shell("cat /proc/[0-9]*/comm || true"), "they end")
    eventually(lambda: zombies(sandbox) == [], "no zombies")


@pytest.mark.parametrize(("service", "log"), [(B, "example-service-b"), (SERVER, SERVER)])
def test_logs_are_rotated_and_limited(disturbed: Sandbox, service: str, log: str) -> None:
    sandbox = disturbed
    pipe = f"/proc/{sandbox.pid(service)}/fd/1"

    sandbox.shell(f"yes {'0123456789' * 20} | head -c 25000000 > {pipe}; echo the end > {pipe}")

    eventually(lambda: "the end" in sandbox.read(f"/var/log/{log}/current"), "all is written")
    listed = sandbox.shell(f"cd /var/log/{log}; stat -c '%s %n' @*").splitlines()
    sizes = [int(line.split()[0]) for line in listed]
    assert len(sizes) == 20
    assert 900_000 < min(sizes) <= max(sizes) < 1_010_000
    assert all(line.endswith(".s") for line in listed)


def test_services_ignore_no_signal_that_node_ignores(sandbox: Sandbox) -> None:
    processes = (supervisor(sandbox), sandbox.pid(f"{B}/log"))

    ignored = [sandbox.output("grep", "SigIgn", f"/proc/{pid}/status") for pid in processes]

    assert [int(line.split()[1], 16) & ~C_LIBRARY_S_OWN for line in ignored] == [0, 0]
