"""A scene for every command: the surroundings, the arguments, and what can be observed.

The CLI runs in this process, with a Daytona whose sandboxes are records and the HTTP API of an
engine.
"""

from __future__ import annotations

import gc
import itertools
import os
import re
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from os2cli.analytics.deliveries import add_delivered
from os2cli.analytics.spool import Event, Spool
from os2cli.cli import main
from os2cli.core.notices import NOTICES
from os2cli.core.snapshot_name import SnapshotName
from os2cli.providers import labels
from os2cli.providers.daytona import entry as daytona_entry
from os2cli.providers.local_docker import entry as local_docker_entry
from os2cli.providers.local_process.lifecycle import remove
from os2cli.providers.local_process.records import Records
from os2cli.settings.settings import load_settings
from tests.daytona_server import DaytonaServer, Timing
from tests.daytona_server.records import RecordedRequest
from tests.engine_stub import EngineStub, engine_stub, repository_of

OLD = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NEWEST = "stg--20260111-193045"
ASLEEP, UNDER_WAY = "stg--20260101-000000", "stg--20260112-000000"
BUILT = "stg--20260102-000000"
SHORT = {"OS2_TIMEOUT": "0.4"}
NO_ENGINE = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
# A command leaves its connections open until its process exits, which does not happen here.
IN_THIS_PROCESS = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# What differs between two runs.
VOLATILE = (
    # The doctor's trial of the engine, its lock, and the mark of a program that runs.
    (r"\b[0-9a-f]{16}\.lock\b", "LOCK"),
    (r"\bdoctor-[0-9a-f]{8}\b|\btrial-[0-9a-f]{16}\b", "TRIAL"),
    (r"(?<=u0002)[0-9a-f]{32}", "MARK"),
    # The id of a repository is that of its place.
    (r"(?<=dev\.os2\.repository%22%3A\+%22)[0-9a-f]{32}", "REPOSITORY"),
    (r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "ID"),
    (r"(os2-)?\b[0-9a-f]{32}\b", "NAME"),
    (r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00| UTC)", "TIME"),
    (r"\b(stg|prd)--\d{8}-\d{6}\b", r"\1--STAMP"),
    (r"(127\.0\.0\.1|localhost):\d+", "ADDRESS"),
    (r"\b10\d{3}\b", "PORT"),
    (r"\b192\.168\.\d+\.\d+/29\b", "SUBNET"),
    (r"(?<!within )(?<!timed out after )(?<![\d.])\d+(\.\d+)? (s|min)\b( ago| left)?", "SPAN"),
    (r"just now", "SPAN"),
    (r"\([\w ]+ SPAN( · [\w ]+ SPAN)*\)", "(SUMMARY)"),
    # What stands for the directory of locks, and a network's addresses.
    (r"(dev\.os2\.(?:temporary|creator)\W{1,4}(?:3D)?)[0-9a-f]{16}", r"\1PLACE"),
    (r"192\.168\.\d+\.\d+/29", "SUBNET"),
    # Progress at the moment of a request.
    (r"(?m)^.*( \.\.\.|: done in SPAN)\n|^  \[.*\n", ""),
    (r"boundary=\w+|--[0-9a-f]{32}", "BOUNDARY"),
    (r"/\S*/os2-test-sandbox-\w+", "PLACE"),
    (r"/tmp/pytest-\S+?/(work|home)", r"\1"),
)
# Chance: whether os2 looks again before a program has started, and whether a program that knows the
# length of its input ends before os2 sends the end.
CHANCE = re.compile(
    r"GET /toolbox/[^/]+/process/session/[^/]+/command/[^/ ]+ "
    r"|POST /toolbox/[^/]+/process/session/[^/]+/command/[^/]+/input .*\d end\\"
)


@dataclass
class World:
    """Everything that os2 can reach: Daytona, an engine, a directory and an environment."""

    daytona: DaytonaServer
    engine: EngineStub
    folder: Path

    def run(self, *argv: str) -> int:
        """Run a command line in this process."""
        try:
            return main(argv)
        except SystemExit as end:
            return int(end.code or 0)


def sandbox(world: World, name: str, stage: str = "stg", **changes: Any) -> None:
    """A machine on Daytona."""
    marks = {
        labels.MACHINE: "1",
        labels.NAME: name,
        labels.STAGE: stage,
        labels.SNAPSHOT: NEWEST,
        labels.OWNER: "jonas@laptop",
        labels.USERS_OWN: '["team"]',
        "team": f"team of {name}",
    }
    world.daytona.add_sandbox(f"{stage}--{name}", labels=marks, **changes)


def machine(world: World) -> None:
    sandbox(world, "one")


def stopped(world: World) -> None:
    sandbox(world, "one", state="stopped")


def several(world: World) -> None:
    """Add machines of the stage, one of them stopped, and one of another stage."""
    sandbox(world, "one")
    sandbox(world, "two", state="stopped", created=OLD)
    sandbox(world, "far", stage="dev-far", created=OLD)


def running(world: World) -> None:
    """Add a machine that runs programs, and a file to copy there."""
    sandbox(world, "one")
    world.daytona.sandbox("stg--one").log.extend(["a line", "another line"])
    (world.folder / "notes").write_text("one\n")


def unhealthy(world: World) -> None:
    sandbox(world, "one")
    world.daytona.stub_status = 503


def unhealthy_stopped(world: World) -> None:
    stopped(world)
    world.daytona.stub_status = 503


def slow_to_end(world: World) -> None:
    machine(world)
    world.daytona.timing.stop = 0.6


def leftover(world: World) -> None:
    sandbox(world, "one", state="error", error_reason="no runner")
    sandbox(world, "old", created=OLD)


def nothing(world: World) -> None:
    del world


def prepared_for_create(world: World) -> None:
    (world.folder / "env").write_text("A=1\n")


def with_a_dockerfile(world: World) -> None:
    (world.folder / "sandbox").mkdir()
    (world.folder / "sandbox" / "Dockerfile").write_text("FROM scratch\n")


def with_podman(world: World) -> None:
    with_a_dockerfile(world)
    world.engine.podman = True


def with_a_strange_image(world: World) -> None:
    with_a_dockerfile(world)
    world.engine.marks = {}


def resolved(world: World) -> None:
    assert world.run("snapshot", "resolve") == 0


def with_many_files(world: World) -> None:
    with_a_dockerfile(world)
    for number in range(40):
        (world.folder / f"file{number}").write_text("x" * number)
    (world.folder / "link").symlink_to("file39")


def shelved(world: World) -> None:
    """Add snapshots in several states; the newest is active and used."""
    sandbox(world, "one")
    for name, state, size in (
        (ASLEEP, "inactive", 3),
        (UNDER_WAY, "building", 1),
        (BUILT, "active", 1),
        ("stg--20250101-000000", "active", 9),
        ("dev-far--20250101-000000", "active", 1),
    ):
        created = SnapshotName.parse(name).created
        text = "FROM scratch\n" if name == BUILT else None
        world.daytona.add_snapshot(name, state=state, created=created, disk=size, dockerfile=text)


def shelved_for_long(world: World) -> None:
    shelved(world)
    world.daytona.timing.delete = 1.0


def slow(world: World) -> None:
    with_a_dockerfile(world)
    world.daytona.timing.build = 1.0


def published(world: World) -> None:
    with_a_dockerfile(world)
    assert world.run("snapshot", "daytona") == 0


def with_a_secret(world: World) -> None:
    with_a_dockerfile(world)
    (world.folder / ".env").write_text("A_SECRET_KEY=abcdefghij0123456789\n")


def with_a_copied_git(world: World) -> None:
    with_a_dockerfile(world)
    (world.folder / "sandbox" / "Dockerfile").write_text("FROM scratch\nCOPY .git /src/.git\n")


def with_events_sent(world: World) -> None:
    """Deliver two events, and leave one waiting."""
    del world
    folder = load_settings(None).state_dir / "analytics"
    add_delivered(folder, [{"event": f"event {number}"} for number in range(2)])
    Spool(folder / "spool").add(Event("machine_created", "somebody", {}), "0" * 16)


@dataclass(frozen=True)
class Scene:
    """The arguments of a command, and its surroundings."""

    argv: tuple[str, ...]
    prepare: Callable[[World], None] = nothing
    env: Mapping[str, str] = field(default_factory=dict)

    def plus(self, *words: str) -> Scene:
        """Return the scene with more options, before ``--``."""
        at = self.argv.index("--") if "--" in self.argv else len(self.argv)
        argv = (*self.argv[:at], *words, *self.argv[at:])
        return Scene(argv, self.prepare, self.env)


CREATE = Scene(("machine", "create", "one", "--type", "daytona"), prepared_for_create)
HERE = Scene(("machine", "create", "here", "--no-wait", "--docker-host", "ENGINE"))
CHANGES = {"start": stopped, "stop": machine, "restart": machine, "archive": machine}

# The scene of each command; its options are added to it.
SCENES: dict[str, Scene] = {
    "machine create": CREATE,
    "machine list": Scene(("machine", "list"), several),
    "machine show": Scene(("machine", "show", "one"), machine),
    "machine stats": Scene(("machine", "stats", "one"), machine),
    "machine exec": Scene(("machine", "exec", "one", "--", "pwd"), running),
    "machine logs": Scene(("machine", "logs", "one"), running),
    "machine cp": Scene(("machine", "cp", "notes", "one:notes"), running),
    "machine url": Scene(("machine", "url", "one"), machine),
    "machine open": Scene(("machine", "open", "one"), machine, {"BROWSER": "false"}),
    **{
        f"machine {verb}": Scene(("machine", verb, "one", "--yes"), do)
        for verb, do in CHANGES.items()
    },
    "machine wait": Scene(("machine", "wait", "one"), machine),
    "machine rm": Scene(("machine", "rm", "one", "--yes"), machine),
    "machine prune": Scene(("machine", "prune"), leftover),
    "machine shell": Scene(("machine", "shell", "one"), machine),
    "up": Scene(("up", "one"), with_a_dockerfile, SHORT),
    "doctor": Scene(("doctor",)),
    "stage": Scene(("stage",)),
    "snapshot local-docker": Scene(("snapshot", "local-docker"), with_a_dockerfile),
    "snapshot daytona": Scene(("snapshot", "daytona"), with_a_dockerfile),
    "snapshot context": Scene(("snapshot", "context"), with_many_files),
    "snapshot list": Scene(("snapshot", "list"), shelved),
    "snapshot show": Scene(("snapshot", "show", NEWEST), shelved),
    "snapshot logs": Scene(("snapshot", "logs", BUILT), shelved),
    "snapshot resolve": Scene(("snapshot", "resolve"), shelved),
    "snapshot wait": Scene(("snapshot", "wait", NEWEST), shelved),
    "snapshot activate": Scene(("snapshot", "activate", ASLEEP), shelved),
    "snapshot rm": Scene(("snapshot", "rm", ASLEEP), shelved),
    "snapshot prune": Scene(("snapshot", "prune", "--keep", "0"), shelved),
    **{
        f"analytics {word}": Scene(("analytics", word), with_events_sent)
        for word in ("status", "on", "off", "reset", "show")
    },
}


@dataclass
class Observation:
    """The result of a command line; ``requests`` are normalised and unordered."""

    status: int
    stdout: str
    stderr: str
    requests: set[str]

    def settled(self) -> list[str]:
        """Return all of it, without what differs between two runs."""
        return [
            str(self.status),
            settled(self.stdout),
            settled(self.stderr),
            *sorted(self.requests),
        ]


@dataclass
class Stage:
    """The stage for scenes: each has its own directory, servers and environment."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]
    count: Iterator[int] = field(default_factory=itertools.count)

    def play(self, scene: Scene) -> Observation:
        """Run the command line of a new scene."""
        folder = self.folder / str(next(self.count))
        (folder / "work").mkdir(parents=True)
        self.monkeypatch.chdir(folder / "work")
        quick = Timing(pending=0, build=0, boot=0, stop=0, archive=0, delete=0)
        with (
            open(os.devnull) as nothing_said,  # noqa: PTH123
            DaytonaServer(timing=quick) as daytona,
            engine_stub() as engine,
            self.monkeypatch.context() as patch,
        ):
            engine.repository = partial(repository_of, folder / "work", folder / "home")
            world = World(daytona, engine, folder / "work")
            daytona.add_snapshot(NEWEST, created=OLD)
            patch.setattr("sys.stdin", nothing_said)
            # A process reports a warning once, and each scene is the first of its process.
            patch.setattr(NOTICES, "_known", {})
            patch.setattr(NOTICES, "_report", None)
            for name, value in self._variables(world, folder / "home").items():
                patch.setenv(name, value)
            for name, value in scene.env.items():
                patch.setenv(name, value)
            scene.prepare(world)
            daytona.requests.clear()
            engine.requests.clear()
            self.capfd.readouterr()
            status = world.run(*(engine.url if word == "ENGINE" else word for word in scene.argv))
            out, err = self.capfd.readouterr()
            seen = [f"{r.method} {r.path} {r.query} {body_of(r)}" for r in daytona.requests]
            seen = [line for line in seen if not CHANCE.match(line)]
            asked = [" ".join(r) for r in engine.requests if "/version" not in r[1]]
        self._let_go()
        end_machines(folder)
        return Observation(status, out, err, {settled(text) for text in (*seen, *asked)})

    @staticmethod
    def _let_go() -> None:
        """Close what the end of a process would close."""
        daytona_entry.adapters.cache_clear()
        local_docker_entry.adapters.cache_clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        # What is left mostly stays, and would take longer to look through than a scene to play.
        gc.freeze()

    @staticmethod
    def _variables(world: World, home: Path) -> dict[str, str]:
        return {
            "HOME": str(home),
            "DOCKER_HOST": world.engine.url,
            "DAYTONA_API_URL": world.daytona.url,
            "DAYTONA_API_KEY": world.daytona.api_key,
            "APP_STAGE": "stg",
        }


def body_of(request: RecordedRequest) -> str:
    """Return what was sent, without the times of files."""
    return "a file" if b"form-data" in request.body else repr(request.body)


def settled(text: str) -> str:
    """Return the text without what differs between two runs."""
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return text


def end_machines(folder: Path) -> None:
    """Remove the machines that a scene left on this host."""
    for path in list(folder.rglob("machine.json")):
        records = Records(path.parent.parent)
        record = records.find(path.parent.name)
        if record is not None:
            remove(records, record, seconds=1)
