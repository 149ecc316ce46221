"""Every event reaches PostHog exactly once, even after failures, and no command waits for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from os2cli.analytics.deliveries import load_attempts, save_attempts
from os2cli.analytics.spool import take
from tests.analytics import KEY, State, parameters, sent_to, state_of
from tests.command import Os2
from tests.engine_stub import engine_stub, repository_of
from tests.polling import until
from tests.posthog_server import PostHogServer

LONG = 60
DEAD = "http://127.0.0.1:1"
# Fails at once, since no engine listens; a failure is also an event.
FAILING = ("machine", "rm", "one", "--type", "local-docker")
# Many times the work of a command, in the time that one takes to start.
MANY_COMMANDS = """
import sys
from pathlib import Path
from os2cli.app.tracking import Analytics
from os2cli.core.models import LOCAL_DOCKER
from os2cli.settings.settings import load_settings
for _ in range(int(sys.argv[1])):
    analytics = Analytics.of(load_settings(None))
    with analytics.tracked("machine.create", {"count": 1}) as mutation:
        mutation.touched(LOCAL_DOCKER)
    analytics.deliver()
"""


def tracked(os2: Os2, server: PostHogServer | str, **more: str) -> Os2:
    """The CLI with a project to send usage to."""
    return Os2(os2.folder, {**os2.env, **sent_to(server, **more)})


def state(os2: Os2) -> State:
    return state_of(os2.env["HOME"])


def target(os2: Os2) -> str:
    return parameters(Path(os2.env["HOME"]), **os2.env).target


def deliverers(os2: Os2) -> list[int]:
    """Return the delivery processes of a user with this home."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"os2cli.analytics.delivery" in words and os2.env["HOME"].encode() in environment:
            found.append(int(folder.name))
    return found


def allow_next(os2: Os2) -> None:
    """Advance the time after which another delivery may start."""
    attempts = load_attempts(state(os2).folder, target(os2))
    earlier = (attempts.failed or 0) - 4000
    path = state(os2).folder / "attempts.json"
    path.unlink()
    save_attempts(path.parent, type(attempts)(attempts.target, failed=earlier, failures=1))


def check_once_each(server: PostHogServer, count: int) -> None:
    """Check that this many events arrived, once each, from one person, and one about the group."""
    events = server.named("machine_created")
    assert len(events) == count
    assert set(Counter(event["uuid"] for event in server.events).values()) == {1}
    assert len({event["distinct_id"] for event in server.events}) == 1
    assert len(server.named("$groupidentify")) == 1


def start_many(os2: Os2, processes: int, each: int) -> list[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-P", "-c", MANY_COMMANDS, str(each)]
    return [
        subprocess.Popen(argv, cwd=os2.folder, env=dict(os2.env), stderr=subprocess.PIPE)
        for _ in range(processes)
    ]


def ended(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        _, stderr = process.communicate(timeout=LONG)
        assert (process.returncode, stderr) == (0, b"")


def test_two_hundred_at_once_lose_and_double_nothing(os2: Os2, posthog: PostHogServer) -> None:
    mine = tracked(os2, posthog, OS2_PROJECT="app")

    ended(start_many(mine, processes=8, each=25))

    until(lambda: len(posthog.named("machine_created")) >= 200, LONG)
    state(mine).settle()
    check_once_each(posthog, 200)
    assert state(mine).waiting == []


def test_two_hundred_at_once_with_a_dead_host_lose_nothing(os2: Os2) -> None:
    mine = tracked(os2, DEAD, OS2_PROJECT="app")

    ended(start_many(mine, processes=8, each=25))

    state(mine).settle()
    events = state(mine).waiting
    assert Counter(event.name for event in events) == {"machine_created": 200, "$groupidentify": 1}
    assert len({event.uuid for event in events}) == 201
    assert load_attempts(state(mine).folder, target(mine)).failures == 1


def test_concurrent_commands(os2: Os2, posthog: PostHogServer) -> None:
    with engine_stub() as engine:
        engine.repository = partial(repository_of, os2.folder, Path(os2.env["HOME"]))
        mine = tracked(os2, posthog, OS2_PROJECT="app", DOCKER_HOST=engine.url)
        commands = [mine.start("machine", "create", f"m{n}", "--no-wait") for n in range(8)]
        for command in commands:
            _, stderr = command.communicate(timeout=LONG)
            assert command.returncode == 0, stderr

    until(lambda: len(posthog.named("machine_created")) >= 8, LONG)
    state(mine).settle()
    check_once_each(posthog, 8)


@pytest.mark.parametrize("behaviour", ["well", "hang", "refuse", "fail", "flood", "redirect"])
def test_the_host_does_not_affect_a_command(
    behaviour: str, os2: Os2, posthog: PostHogServer
) -> None:
    posthog.behaviour = behaviour
    mine = tracked(os2, posthog)

    result = mine(*FAILING)

    assert result == os2(*FAILING)
    until(lambda: posthog.requests, LONG)


def test_a_command_ends_while_the_host_still_hangs(os2: Os2, posthog: PostHogServer) -> None:
    posthog.behaviour = "hang"
    mine = tracked(os2, posthog)

    mine(*FAILING)
    until(lambda: posthog.requests, LONG)
    # One is running, and no other starts.
    (deliverer,) = deliverers(mine)
    assert mine(*FAILING).status == 8
    assert deliverers(mine) == [deliverer]

    os.kill(deliverer, signal.SIGKILL)
    state(mine).settle()
    assert len(state(mine).waiting) == 2


def test_what_was_being_sent_when_it_was_killed_is_sent_again_as_the_same(
    os2: Os2, posthog: PostHogServer
) -> None:
    posthog.behaviour = "hang"
    mine = tracked(os2, posthog)
    mine(*FAILING)
    until(lambda: posthog.requests, LONG)
    (deliverer,) = deliverers(mine)
    os.kill(deliverer, signal.SIGKILL)
    state(mine).settle()
    (waiting,) = state(mine).waiting
    posthog.behaviour = "well"

    assert mine("stage").status == 2

    until(lambda: posthog.events, LONG)
    state(mine).settle()
    (event,) = posthog.events
    assert event["uuid"] == waiting.uuid
    assert all(waiting.uuid in request.plain.decode() for request in posthog.requests)
    assert state(mine).waiting == []


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("refuse", "PostHog rejected the API key: 401"),
        ("fail", "PostHog returned 503"),
        ("flood", "cannot reach PostHog: ConnectionError"),
    ],
)
def test_after_a_failure_a_later_delivery_sends_everything(
    behaviour: str, why: str, os2: Os2, posthog: PostHogServer
) -> None:
    posthog.behaviour = behaviour
    mine = tracked(os2, posthog)
    mine(*FAILING)
    until(lambda: load_attempts(state(mine).folder, target(mine)).failures, LONG)
    state(mine).settle()
    posthog.behaviour = "well"

    mine(*FAILING)

    # Too early: no delivery started.
    assert load_attempts(state(mine).folder, target(mine)).why == why
    assert (deliverers(mine), len(posthog.requests)) == ([], 1)
    assert len(state(mine).waiting) == 2
    allow_next(mine)
    mine("stage")
    until(lambda: len(posthog.events) == 2, LONG)
    state(mine).settle()
    assert load_attempts(state(mine).folder, target(mine)).failures == 0


def test_a_process_that_takes_too_long_ends_itself(os2: Os2, posthog: PostHogServer) -> None:
    posthog.behaviour = "hang"
    mine = tracked(os2, posthog)
    with state(mine).undelivered():
        mine(*FAILING)
    hasty = (
        "import io, json, os, sys\n"
        "from os2cli.analytics import delivery\n"
        "delivery.DEADLINE_SECONDS = 2\n"
        "job = {'key': 'k', 'host': sys.argv[1], 'target': sys.argv[2], 'folder': sys.argv[3]}\n"
        "job['lock'] = os.open(sys.argv[3] + '/delivery.lock', os.O_RDWR)\n"
        "sys.stdin = io.StringIO(json.dumps(job))\n"
        "delivery.main()\n"
    )

    result = mine.python(hasty, posthog.url, target(mine), str(state(mine).folder))

    assert (result.status, result.stderr) == (0, "")
    assert load_attempts(state(mine).folder, target(mine)).why == "timed out"
    assert len(state(mine).waiting) == 1


def test_an_event_that_posthog_rejects_does_not_block_the_others(
    os2: Os2, posthog: PostHogServer
) -> None:
    posthog.unwanted = {"machine_removed"}
    mine = tracked(os2, posthog)
    with state(mine).undelivered():
        mine(*FAILING)
        mine("machine", "stop", "one", "--type", "local-docker")

    mine("machine", "start", "one", "--type", "local-docker")

    until(lambda: len(posthog.events) == 2, LONG)
    state(mine).settle()
    assert {event["event"] for event in posthog.events} == {"machine_stopped", "machine_started"}
    assert state(mine).waiting == []


def test_what_is_for_one_project_is_never_sent_to_another(os2: Os2, posthog: PostHogServer) -> None:
    tracked(os2, DEAD)(*FAILING)
    state(os2).settle()

    mine = tracked(os2, posthog)
    mine("machine", "stop", "one", "--type", "local-docker")

    until(lambda: posthog.events, LONG)
    state(mine).settle()
    assert [event["event"] for event in posthog.events] == ["machine_stopped"]
    assert [event.name for event in state(mine).waiting] == ["machine_removed"]


def test_garbage_in_the_spool_blocks_nothing(os2: Os2, posthog: PostHogServer) -> None:
    mine = tracked(os2, posthog)
    with state(mine).undelivered():
        mine(*FAILING)
    (good,) = state(mine).spool.waiting()
    for number, garbage in enumerate((b"", b"\xff", b"{}", b"x" * 200_000)):
        name = good.name.replace(good.name[:20], f"{int(good.name[:20]) + number + 1:020d}")
        good.with_name(name).write_bytes(garbage)
    good.with_name(f"{int(good.name[:20]) + 9:020d}{good.name[20:]}").mkdir()

    mine("machine", "stop", "one", "--type", "local-docker")

    until(lambda: len(posthog.events) == 2, LONG)
    state(mine).settle()
    assert state(mine).spool.waiting() == []


def test_neither_its_arguments_nor_its_environment_hold_the_key(
    os2: Os2, posthog: PostHogServer
) -> None:
    posthog.behaviour = "hang"
    mine = tracked(os2, posthog, DAYTONA_API_KEY="dtn_canary", DOPPLER_TOKEN="dp.st.canary")
    mine(*FAILING)
    until(lambda: posthog.requests, LONG)

    (deliverer,) = deliverers(mine)
    seen = b"\n".join(
        (Path("/proc") / str(deliverer) / name).read_bytes() for name in ("cmdline", "environ")
    )

    os.kill(deliverer, signal.SIGKILL)
    assert KEY.encode() not in seen
    assert b"canary" not in seen
    assert os2.env["HOME"].encode() not in seen.partition(b"\n")[0]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda folder: folder.write_text("a file"), id="a file"),
        pytest.param(lambda folder: folder.symlink_to("nowhere/at/all"), id="a link to nowhere"),
        pytest.param(lambda folder: (folder / "spool").parent.mkdir() or (folder / "spool").touch(),
                     id="no folder for the spool"),
        pytest.param(lambda folder: (folder / "id").mkdir(parents=True), id="no file for the id"),
        pytest.param(lambda folder: (folder / "choice").mkdir(parents=True), id="no choice"),
    ],
)  # fmt: skip
def test_an_unwritable_state_changes_nothing(
    damage: object, os2: Os2, posthog: PostHogServer
) -> None:
    assert callable(damage)
    folder = state(os2).folder
    folder.parent.mkdir(parents=True)
    damage(folder)

    assert tracked(os2, posthog)(*FAILING) == os2(*FAILING)


def test_a_full_disk_changes_nothing(os2: Os2, posthog: PostHogServer) -> None:
    mine = tracked(os2, posthog)

    # Files may be empty.
    result = mine.shell('ulimit -f 0; exec "$@"', *FAILING)

    assert result == os2(*FAILING)
    assert state(mine).waiting == []
    assert [p for p in state(mine).folder.rglob("*") if p.is_file() and p.stat().st_size] == []


def test_an_interrupted_command_is_reported_as_such(os2: Os2) -> None:
    with socket.create_server(("127.0.0.1", 0)) as engine:
        address = f"tcp://127.0.0.1:{engine.getsockname()[1]}"
        mine = tracked(os2, DEAD, DOCKER_HOST=address)
        process = mine.start(*FAILING)
        question, _ = engine.accept()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LONG)
        question.close()

    assert process.returncode == 130
    state(mine).settle()
    (event,) = [take(path) for path in state(mine).spool.waiting()]
    assert event is not None
    assert event.properties["error_code"] == "interrupted"
