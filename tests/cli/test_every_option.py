"""No option is silent: each changes what is asked of somebody, what is told, or is refused.

For every command there is a scene in which it succeeds or fails in a known way. Each of its
options is added to it, and something that can be observed from outside has to be different.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

from os2cli.cli import main
from os2cli.command_line import global_options
from os2cli.commands import build_app
from os2cli.providers import labels
from os2cli.snapshot_name import SnapshotName
from tests.daytona_server import DaytonaServer, Timing
from tests.daytona_server.records import RecordedRequest
from tests.engine_stub import EngineStub, engine_stub

GLOBAL = {name for option in global_options() for name in option.opts} | {"--help"}
OLD = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NEWEST = "stg--20260111-193045"
ASLEEP, UNDER_WAY = "stg--20260101-000000", "stg--20260112-000000"
BUILT = "stg--20260102-000000"
SHORT = {"OS2_TIMEOUT": "0.4"}
NO_ENGINE = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
# What differs between two runs of the same.
VOLATILE = (
    (r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "ID"),
    (r"(os2-)?\b[0-9a-f]{32}\b", "NAME"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "TIME"),
    (r"\b(stg|prd)--\d{8}-\d{6}\b", r"\1--STAMP"),
    (r"(127\.0\.0\.1|localhost):\d+", "ADDRESS"),
    (r"\b10\d{3}\b", "PORT"),
    (r"(?<!within )(?<![\d.])\d+(\.\d+)? (s|min)\b( ago| left)?", "SPAN"),
    (r"just now", "SPAN"),
    (r"\(\w+ SPAN( · \w+ SPAN)*\)", "(SUMMARY)"),
    (r"boundary=\w+|--[0-9a-f]{32}", "BOUNDARY"),
    (r"/tmp/pytest-\S+?/(work|home)", r"\1"),
)


@dataclass
class World:
    """Everything that os2 can reach: Daytona, an engine, a folder and an environment."""

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
    """Some of the stage, of which one is stopped, and one of another stage."""
    sandbox(world, "one")
    sandbox(world, "two", state="stopped", created=OLD)
    sandbox(world, "far", stage="dev-far", created=OLD)


def running(world: World) -> None:
    """One in which programs run, and a file to copy there."""
    sandbox(world, "one")
    world.daytona.sandbox("stg--one").log.extend(["a line", "another line"])
    world.daytona.stub_execute = lambda _, command: (0, f"{command}\n")
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


def resolved(world: World) -> None:
    assert world.run("snapshot", "resolve") == 0


def with_many_files(world: World) -> None:
    with_a_dockerfile(world)
    for number in range(40):
        (world.folder / f"file{number}").write_text("x" * number)
    (world.folder / "link").symlink_to("file39")


def shelved(world: World) -> None:
    """Snapshots in several states; the newest is active and used."""
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


@dataclass(frozen=True)
class Scene:
    """How a command is called, and what is there then."""

    argv: tuple[str, ...]
    prepare: Callable[[World], None] = nothing
    env: Mapping[str, str] = field(default_factory=dict)

    def plus(self, *words: str) -> Scene:
        """With more options, in front of what stands behind --."""
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
    "machine exec": Scene(("machine", "exec", "one", "--", "pwd"), running),
    "machine logs": Scene(("machine", "logs", "one"), running),
    "machine cp": Scene(("machine", "cp", "notes", "one:/tmp/notes"), running),
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
}

# What an option is given, unless that is said for a command below; a flag is given nothing.
VALUES: dict[str, tuple[str, ...]] = {
    "--docker-host": ("nonsense",),
    "--type": ("local-docker",),
    "--stage": ("dev-other",),
    "--timeout": ("0.2",),
    "--repo": ("elsewhere",),
    "--dockerfile": ("none",),
    "--base-image": ("debian:stable",),
    "--build-arg": ("A=1",),
    "--cpu": ("2",),
    "--memory": ("2",),
    "--disk": ("20",),
}

# The options that need another scene, or another value, than their command has.
CASES: dict[tuple[str, str], tuple[Scene, tuple[str, ...]]] = {
    ("machine create", "--count"): (CREATE, ("2",)),
    ("machine create", "--ttl"): (CREATE, ("12h",)),
    ("machine create", "--env"): (CREATE, ("COLOUR=blue",)),
    ("machine create", "--env-file"): (CREATE, ("env",)),
    ("machine create", "--label"): (CREATE, ("team=core",)),
    ("machine create", "--stage"): (CREATE, ("prd",)),
    ("machine create", "--snapshot"): (CREATE, (ASLEEP,)),
    ("machine create", "--timeout"): (
        replace(CREATE, prepare=lambda w: setattr(w.daytona, "stub_status", 503), env=SHORT),
        ("0.2",),
    ),
    ("machine create", "--port"): (HERE, ("12345",)),
    ("machine create", "--cpu"): (HERE, ("2",)),
    ("machine create", "--memory"): (HERE, ("2g",)),
    ("machine create", "--mount-repo"): (HERE, ()),
    ("machine create", "--build"): (replace(HERE, prepare=with_a_dockerfile), ()),
    ("machine create", "--allow-secrets"): (
        replace(
            HERE.plus("--build"),
            prepare=with_a_secret,
        ),
        (),
    ),
    ("machine create", "--docker-host"): (HERE, ("tcp://127.0.0.1:1",)),
    ("machine create", "--auto-stop"): (CREATE, ("2h",)),
    ("machine create", "--auto-archive"): (CREATE, ("2h",)),
    ("machine create", "--auto-delete"): (CREATE, ("2h",)),
    ("machine create", "--no-cache"): (
        replace(CREATE, prepare=resolved),
        (),
    ),
    ("machine list", "--type"): (SCENES["machine list"], ("daytona",)),
    ("machine list", "--state"): (SCENES["machine list"], ("stopped",)),
    ("machine list", "--filter"): (SCENES["machine list"], ("name=t*",)),
    ("machine list", "--sort"): (SCENES["machine list"], ("-name",)),
    ("machine list", "--columns"): (SCENES["machine list"], ("name",)),
    ("machine exec", "--env"): (SCENES["machine exec"], ("COLOUR=blue",)),
    ("machine exec", "--workdir"): (SCENES["machine exec"], ("/srv",)),
    ("machine logs", "--service"): (SCENES["machine logs"], ("iterate-server",)),
    ("machine logs", "--since"): (SCENES["machine logs"], ("1h",)),
    ("machine logs", "--tail"): (SCENES["machine logs"], ("1",)),
    ("machine url", "--port"): (SCENES["machine url"], ("3001",)),
    ("machine url", "--expires"): (SCENES["machine url"].plus("--signed"), ("2h",)),
    ("machine open", "--port"): (SCENES["machine open"], ("3001",)),
    ("machine start", "--timeout"): (
        Scene(("machine", "start", "one", "--yes"), unhealthy_stopped, SHORT),
        ("0.2",),
    ),
    ("machine restart", "--timeout"): (
        Scene(("machine", "restart", "one", "--yes"), unhealthy, SHORT),
        ("0.2",),
    ),
    ("machine stop", "--timeout"): (replace(SCENES["machine stop"], prepare=slow_to_end), ("0.2",)),
    ("machine archive", "--timeout"): (
        replace(SCENES["machine archive"], prepare=slow_to_end),
        ("0.2",),
    ),
    ("machine wait", "--for"): (SCENES["machine wait"], ("stopped", "--timeout", "0.2")),
    ("machine wait", "--timeout"): (Scene(("machine", "wait", "one"), unhealthy, SHORT), ("0.2",)),
    ("machine rm", "--all"): (Scene(("machine", "rm", "--yes", "--type", "daytona"), several), ()),
    ("machine rm", "--force"): (Scene(("machine", "rm", "none", "--yes"), machine), ()),
    ("machine rm", "--yes"): (Scene(("machine", "rm", "one"), machine), ()),
    ("machine prune", "--older-than"): (SCENES["machine prune"].plus("--dry-run"), ("7d",)),
}
CASES |= {
    ("up", "--type"): (SCENES["up"], ("daytona",)),
    ("up", "--fix"): (replace(SCENES["up"], env=NO_ENGINE), ()),
    ("up", "--docker-host"): (SCENES["up"], ("tcp://127.0.0.1:1",)),
    ("up", "--allow-secrets"): (
        replace(SCENES["up"], prepare=with_a_secret).plus("--build"),
        (),
    ),
    ("doctor", "--fix"): (replace(SCENES["doctor"], env=NO_ENGINE), ()),
    ("snapshot local-docker", "--tag"): (SCENES["snapshot local-docker"], ("another:local",)),
    ("snapshot local-docker", "--platform"): (SCENES["snapshot local-docker"], ("linux/arm64",)),
    ("snapshot local-docker", "--allow-secrets"): (
        replace(SCENES["snapshot local-docker"], prepare=with_a_secret),
        (),
    ),
    ("snapshot daytona", "--timeout"): (
        Scene(("snapshot", "daytona"), slow, {}),
        ("0.2",),
    ),
    ("snapshot daytona", "--builder"): (SCENES["snapshot daytona"], ("local",)),
    ("snapshot daytona", "--force"): (replace(SCENES["snapshot daytona"], prepare=published), ()),
    ("snapshot daytona", "--allow-secrets"): (
        replace(SCENES["snapshot daytona"], prepare=with_a_secret),
        (),
    ),
    ("snapshot context", "--type"): (SCENES["snapshot context"], ("daytona",)),
    ("snapshot list", "--state"): (SCENES["snapshot list"], ("inactive",)),
    ("snapshot list", "--sort"): (SCENES["snapshot list"], ("name",)),
    ("snapshot logs", "--timeout"): (SCENES["snapshot logs"], ("1",)),
    ("snapshot resolve", "--no-cache"): (replace(SCENES["snapshot resolve"], prepare=resolved), ()),
    ("snapshot wait", "--timeout"): (
        Scene(("snapshot", "wait", UNDER_WAY, "--timeout", "0.3"), shelved),
        ("0.2",),
    ),
    ("snapshot activate", "--timeout"): (
        SCENES["snapshot activate"].plus("--no-wait"),
        ("1",),
    ),
    ("snapshot rm", "--force"): (Scene(("snapshot", "rm", "stg--20200101-000000", "--yes")), ()),
    ("snapshot rm", "--timeout"): (
        Scene(("snapshot", "rm", ASLEEP, "--yes"), shelved_for_long),
        ("0.2",),
    ),
    ("snapshot prune", "--older-than"): (
        Scene(("snapshot", "prune", "--keep", "0", "--dry-run"), shelved),
        ("9999d",),
    ),
    ("snapshot prune", "--keep"): (Scene(("snapshot", "prune", "--dry-run"), shelved), ("0",)),
}
# They end when a signal comes; what they change is seen in tests of their own.
ENDLESS = {("machine list", "--watch"), ("machine logs", "--follow")}
for verb, prepare in CHANGES.items():
    CASES["machine " + verb, "--all"] = (Scene(("machine", verb, "--type", "daytona"), several), ())
    CASES["machine " + verb, "--yes"] = (Scene(("machine", verb, "one"), prepare), ())


def options() -> Iterator[tuple[str, str]]:
    """Every option of every command that help shows, but those that all commands have."""
    yield from _options(typer.main.get_command(build_app()), ())


def _options(group: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from _options(command, (*path, name))
        elif not command.hidden:
            for param in command.params:
                longest = max(param.opts, key=len)
                found = " ".join((*path, name)), longest
                if longest.startswith("--") and longest not in GLOBAL and found not in ENDLESS:
                    yield found


@pytest.fixture
def look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[[Scene], list[str]]]:
    """What can be observed of a command line in a scene that is new."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    count = itertools.count()

    def observe(scene: Scene) -> list[str]:
        folder = tmp_path / str(next(count))
        (folder / "work").mkdir(parents=True)
        monkeypatch.chdir(folder / "work")
        with (
            open(os.devnull) as nothing_said,  # noqa: PTH123
            DaytonaServer(
                timing=Timing(pending=0, build=0, boot=0, stop=0, archive=0, delete=0)
            ) as daytona,
            engine_stub() as engine,
        ):
            world = World(daytona, engine, folder / "work")
            daytona.add_snapshot(NEWEST, created=OLD)
            variables = {
                "HOME": str(folder / "home"),
                "DOCKER_HOST": engine.url,
                "DAYTONA_API_URL": daytona.url,
                "DAYTONA_API_KEY": daytona.api_key,
                "APP_STAGE": "stg",
                **scene.env,
            }
            with monkeypatch.context() as patch:
                patch.setattr("sys.stdin", nothing_said)
                for name, value in variables.items():
                    patch.setenv(name, value)
                scene.prepare(world)
                daytona.requests.clear()
                engine.requests.clear()
                capfd.readouterr()
                status = world.run(*(engine.url if w == "ENGINE" else w for w in scene.argv))
            out, err = capfd.readouterr()
            seen = [f"{r.method} {r.path} {r.query} {body_of(r)}" for r in daytona.requests]
            asked = [" ".join(r) for r in engine.requests if "/version" not in r[1]]
        return [str(status), *map(settled, (out, err, *sorted({*seen, *asked})))]

    yield observe
    for number, handler in handlers.items():
        signal.signal(number, handler)


def body_of(request: RecordedRequest) -> str:
    """What was sent; a file's times are never the same."""
    return "a file" if b"form-data" in request.body else repr(request.body)


def settled(text: str) -> str:
    """Without what differs between two runs of the same."""
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return text


@pytest.mark.parametrize(("command", "option"), list(options()), ids="".join)
def test_an_option_changes_something_or_is_refused(
    command: str, option: str, look: Callable[[Scene], list[str]]
) -> None:
    scene, value = CASES.get((command, option), (SCENES[command], VALUES.get(option, ())))

    assert look(scene.plus(option, *value)) != look(scene)


@pytest.mark.parametrize("command", SCENES)
def test_without_another_option_nothing_is_different(
    command: str, look: Callable[[Scene], list[str]]
) -> None:
    """Else the test above could not fail."""
    assert look(SCENES[command]) == look(SCENES[command])
