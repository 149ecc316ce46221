"""Every tracked command records one event on success and on failure, and no other command does."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from os2cli.analytics.spool import Event
from os2cli.app.tracking import tracked_mutations
from os2cli.commands import build_app
from tests.analytics import KEY, State, told
from tests.cli.scenes import (
    ASLEEP,
    CHANGES,
    IN_THIS_PROCESS,
    NEWEST,
    NO_ENGINE,
    SCENES,
    SHORT,
    Scene,
    Stage,
    World,
    leftover,
    machine,
    nothing,
    several,
    shelved,
    with_a_dockerfile,
)
from tests.serving import Quiet, http_server

pytestmark = IN_THIS_PROCESS
DAYTONA, LOCAL = {"provider": "daytona"}, {"provider": "local-docker"}
ON_DAYTONA = {**DAYTONA, "machine_type": "daytona"}
HERE = {**LOCAL, "machine_type": "local-docker"}
ONE = {"count": 1, "all": False}
CREATED = {
    "count": 1,
    "build": False,
    "mount_repo": False,
    "public": False,
    "named_snapshot": False,
    "waited": True,
    "isolation_off": False,
}
PUBLISHED = {
    "cpu": 4,
    "memory": 4,
    "disk": 10,
    "built_here": False,
    "forced": False,
    "waited": True,
}
NOT_THE_KEY = {"DAYTONA_API_KEY": "not-the-key"}


class Healthy(Quiet, BaseHTTPRequestHandler):
    """The daemon of a machine."""

    def do_GET(self) -> None:
        """Answer that it is healthy."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status":"ok"}')


@pytest.fixture
def stopped_here() -> Iterator[Callable[[World], None]]:
    """A stopped machine on the engine, which is healthy once it runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    servers = ExitStack()

    def prepare(world: World) -> None:
        with_a_dockerfile(world)
        made = ("machine", "create", "one", "--no-wait", "--port", str(port))
        assert world.run(*made) == 0
        assert world.run("machine", "stop", "one", "--type", "local-docker") == 0
        servers.enter_context(http_server(Healthy, port))

    with servers:
        yield prepare


# The command, and the properties of its event.
Case = tuple[Scene, Mapping[str, Any]]
SUCCESSES: dict[str, Case] = {
    "machine.create": (SCENES["machine create"], {**CREATED, **ON_DAYTONA}),
    **{f"machine.{verb}": (SCENES[f"machine {verb}"], {**ONE, **ON_DAYTONA}) for verb in CHANGES},
    "machine.rm": (SCENES["machine rm"], {**ONE, "force": False, **ON_DAYTONA}),
    "machine.prune": (
        SCENES["machine prune"].plus("--yes"),
        {"older_than": False, **ON_DAYTONA},
    ),
    "snapshot.local-docker": (SCENES["snapshot local-docker"], {"no_cache": False, **LOCAL}),
    "snapshot.daytona": (SCENES["snapshot daytona"], {**PUBLISHED, **DAYTONA}),
    "snapshot.rm": (
        SCENES["snapshot rm"].plus("--yes"),
        {**ONE, "force": False, **DAYTONA},
    ),
    "snapshot.prune": (
        Scene(("snapshot", "prune", "--keep", "0", "--type", "daytona", "--yes"), shelved),
        {"older_than": False, **DAYTONA},
    ),
    "snapshot.activate": (SCENES["snapshot activate"], {"waited": True, **DAYTONA}),
}
FAILURES: dict[str, tuple[Scene, str, Mapping[str, Any]]] = {
    "up": (SCENES["up"], "not_healthy", {"fix": False, "build": False, **HERE}),
    "machine.create": (
        replace(SCENES["machine create"], env=NOT_THE_KEY),
        "key_invalid",
        {**CREATED, **ON_DAYTONA},
    ),
    **{
        f"machine.{verb}": (
            Scene(("machine", verb, "none", "--type", "daytona")),
            "machine_not_found",
            {**ONE, **ON_DAYTONA},
        )
        for verb in CHANGES
    },
    "machine.rm": (
        Scene(("machine", "rm", "none")),
        "machine_not_found",
        {**ONE, "force": False},
    ),
    "machine.prune": (SCENES["machine prune"], "confirmation_needed", {"older_than": False}),
    "snapshot.local-docker": (
        replace(SCENES["snapshot local-docker"], env=NO_ENGINE),
        "engine_refused",
        {"no_cache": False, **LOCAL},
    ),
    "snapshot.daytona": (
        replace(SCENES["snapshot daytona"], env=NOT_THE_KEY),
        "key_invalid",
        {**PUBLISHED, **DAYTONA},
    ),
    "snapshot.rm": (
        Scene(("snapshot", "rm", "stg--20200101-000000", "--type", "daytona")),
        "snapshot_not_found",
        {**ONE, "force": False, **DAYTONA},
    ),
    "snapshot.prune": (SCENES["snapshot prune"], "confirmation_needed", {"older_than": False}),
    "snapshot.activate": (
        Scene(("snapshot", "activate", "stg--20200101-000000")),
        "snapshot_not_found",
        {"waited": True},
    ),
    "doctor": (Scene(("doctor", "--fix", "--stage", "no stage")), "failed", {}),
}
# What changes nothing, by nature or without confirmation.
SILENT = {
    "a question that nobody was asked": Scene(("machine", "list"), several),
    "a dry run": Scene(("machine", "prune", "--dry-run"), leftover),
    "another dry run": Scene(("snapshot", "prune", "--keep", "0", "--dry-run"), shelved),
    "nothing to prune": Scene(("machine", "prune")),
    "an active snapshot": Scene(("snapshot", "activate", NEWEST)),
    "nothing that exists, which is fine": Scene(("machine", "rm", "none", "--force")),
    "help": Scene(("machine", "rm", "--help")),
    "a command line that can't be read": Scene(("machine", "create", "--nonsense")),
    "a doctor that looks": Scene(("doctor",)),
    "a way into a machine": Scene(("machine", "url", "one"), machine),
}


class Player:
    """Plays scenes and keeps their events."""

    def __init__(self, theatre: Stage, folder: Path) -> None:
        self.theatre = theatre
        self.state = State(folder / "os2" / "analytics")
        self.folder = folder

    def events(self, scene: Scene, **env: str) -> list[Event]:
        """Return the events that a scene records."""
        here = {
            "POSTHOG_KEY": KEY,
            "POSTHOG_HOST": "http://127.0.0.1:1",
            "XDG_STATE_HOME": str(self.folder),
            # A build server's own would turn analytics off.
            "CI": "",
        }

        def prepare(world: World) -> None:
            scene.prepare(world)
            self.state.spool.clear()

        with self.state.undelivered():
            self.theatre.play(Scene(scene.argv, prepare, {**here, **scene.env, **env}))
        return self.state.waiting


@pytest.fixture
def player(theatre: Stage, tmp_path: Path) -> Player:
    return Player(theatre, tmp_path / "state")


@cache
def names() -> dict[str, str]:
    """The event of each procedure."""
    return {each.procedure: each.event_name for each in tracked_mutations()}


def check(event: Event, procedure: str, expected: Mapping[str, Any]) -> None:
    """Check that the event is the procedure's, with exactly these properties."""
    assert event.name == names()[procedure]
    assert event.properties["duration"] >= 0
    always = {"procedure": procedure, "surface": "cli", "$environment": "stg"}
    assert told(event.properties) == {**always, **expected}


@pytest.mark.parametrize("procedure", SUCCESSES)
def test_a_success(procedure: str, player: Player) -> None:
    scene, expected = SUCCESSES[procedure]

    *known, event = player.events(scene)

    check(event, procedure, {"success": True, **expected})
    # A command that checks the key learns its user.
    assert [each.name for each in known] == ["$identify"] * (procedure == "snapshot.daytona")


def test_up(player: Player, stopped_here: Callable[[World], None]) -> None:
    (event,) = player.events(Scene(("up", "one"), stopped_here, SHORT))

    check(event, "up", {"success": True, "fix": False, "build": False, **HERE})


@pytest.mark.parametrize("procedure", FAILURES)
def test_a_failure(procedure: str, player: Player) -> None:
    scene, code, expected = FAILURES[procedure]

    *known, event = player.events(scene)

    check(event, procedure, {"success": False, "error_code": code, **expected})
    assert [each.name for each in known] == ["$identify"] * (procedure == "doctor")


@pytest.mark.parametrize("scene", SILENT.values(), ids=SILENT)
def test_what_changes_nothing_leaves_nothing(scene: Scene, player: Player) -> None:
    assert player.events(scene) == []


def test_machines_of_several_types_are_mixed(player: Player) -> None:
    def both(world: World) -> None:
        machine(world)
        assert world.run("machine", "create", "here", "--no-wait") == 0

    (event,) = player.events(Scene(("machine", "rm", "one", "here", "--yes"), both))

    assert (event.properties["provider"], event.properties["count"]) == ("mixed", 2)


def test_some_of_several_fail(player: Player) -> None:
    (event,) = player.events(Scene(("machine", "stop", "one", "none", "--yes"), several))

    assert (event.properties["error_code"], event.properties["provider"]) == (
        "partly_done",
        "daytona",
    )


@pytest.mark.parametrize("alias", ["remove", "delete"])
def test_an_alias_is_the_same_command(alias: str, player: Player) -> None:
    (event,) = player.events(Scene(("machine", alias, "one", "--yes"), machine))

    assert event.properties["procedure"] == "machine.rm"


def test_the_stage_of_the_page_s_build_wins(player: Player) -> None:
    (event,) = player.events(SCENES["machine stop"], VITE_APP_STAGE="pr-17")

    assert event.properties["$environment"] == "pr-17"


# --- the registry and the commands ------------------------------------------------------------

READING = {
    "analytics.off",
    "analytics.on",
    "analytics.reset",
    "analytics.show",
    "analytics.status",
    "cache.clear",
    "cache.show",
    "completion",
    "config",
    "help",
    "machine.cp",
    "machine.exec",
    "machine.list",
    "machine.logs",
    "machine.open",
    "machine.shell",
    "machine.show",
    "machine.stats",
    "machine.url",
    "machine.wait",
    "schema",
    "snapshot.context",
    "snapshot.list",
    "snapshot.logs",
    "snapshot.resolve",
    "snapshot.show",
    "snapshot.wait",
    "stage",
}


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from commands(command, (*path, name))
        elif not command.hidden:
            yield ".".join((*path, name))


def test_every_command_that_changes_machines_or_snapshots_is_registered_and_no_other() -> None:
    # os2 ui is not tracked: operations in the web UI are.
    everything = set(commands(build_app())) - {"ui"}

    assert set(names()) == everything - READING


def test_every_registered_command_is_tested_above() -> None:
    assert set(SUCCESSES) | {"up", "doctor"} == set(names())
    assert set(FAILURES) == set(names())


def test_event_names_are_unique() -> None:
    assert len(set(names().values())) == len(names())


def test_what_is_not_registered_sends_nothing(player: Player) -> None:
    assert player.events(Scene(("snapshot", "wait", ASLEEP), shelved)) == []
    assert player.events(Scene(("cache", "clear"), nothing)) == []
