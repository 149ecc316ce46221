"""Nothing private reaches PostHog, for any arguments and environment.

Every secret here contains one word, which the tests search in all that arrived, in the state on
disk and in the delivery process.
"""

from __future__ import annotations

import itertools
import platform
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from os2cli.analytics.tracked_mutations import register_tracked_mutation, tracked_mutation
from os2cli.app.tracking import tracked_mutations
from os2cli.commands import build_app
from tests.analytics import KEY, State, parameters
from tests.cli.scenes import (
    CHANGES,
    IN_THIS_PROCESS,
    SCENES,
    Observation,
    Scene,
    Stage,
    World,
    sandbox,
)
from tests.cli.test_every_option import CASES, GLOBAL
from tests.command import Os2, base_environment
from tests.polling import until
from tests.posthog_server import PostHogServer

pytestmark = IN_THIS_PROCESS
WORD = "canary"
LONG = 60
# One of each kind: a key, a URL with credentials, a path, a variable, an image.
TEXTS = (
    "phx-canary-0123456789abcdef",
    "https://canary-user:canary-pass@git.example/canary.git",
    "/home/canary/.ssh/id_rsa",
    "CANARY_NAME=canary-value",
    "canary.example/image:canary",
)
# For options that reject the other kinds at once.
FITTING = dict.fromkeys(("--env", "--label", "--build-arg"), TEXTS[3])
FITTING["--secret"] = "id=CANARY_NAME"
# Settings of the web UI and of groups are meant to be sent.
ENVIRONMENT = {
    "USER": "canary-user",
    "LOGNAME": "canary-user",
    "CANARY_NAME": "canary-value",
    "DAYTONA_JWT_TOKEN": "canary.jwt.token",
    "DAYTONA_TARGET": "canary-region",
    "DOPPLER_TOKEN": "dp.st.canary",
    "DOPPLER_CONFIG": "canary-config",
    "GH_TOKEN": "ghp_canary",
    "ANTHROPIC_API_KEY": "sk-ant-canary",
    "HTTPS_PROXY": "http://canary:canary@127.0.0.1:1",
    "NO_PROXY": "127.0.0.1",
    "LOCAL_DOCKER_IMAGE_NAME": "canary.example/image:local",
    "DOCKER_CONFIG": "/home/canary/.docker",
    "XDG_RUNTIME_DIR": "/run/canary",
    "OS2_PROJECT": "app",
}


@dataclass
class Day:
    """A day's work with secrets everywhere; its events are sent at the end."""

    theatre: Stage
    server: PostHogServer
    home: Path
    seen: list[Observation] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of every command."""
        own = {"POSTHOG_KEY": KEY, "POSTHOG_HOST": self.server.url}
        return {**ENVIRONMENT, **own, "XDG_STATE_HOME": str(self.home / "state"), "CI": ""}

    @property
    def state(self) -> State:
        """The state on disk."""
        return State(self.home / "state" / "os2" / "analytics")

    def play(self, scene: Scene) -> None:
        """Run a command in a checkout whose remote URL has a secret."""

        def prepare(world: World) -> None:
            # The one region of the organisation has the word in its name.
            world.daytona.regions = [ENVIRONMENT["DAYTONA_TARGET"]]
            scene.prepare(world)
            for snapshot in world.daytona.snapshots_by_id.values():
                snapshot.region = ENVIRONMENT["DAYTONA_TARGET"]
            (world.folder / ".git").mkdir(exist_ok=True)
            (world.folder / ".git" / "config").write_text(
                f'[remote "origin"]\n\turl = {TEXTS[1]}\n'
            )

        env = {**self.variables, **scene.env}
        with self.state.undelivered():
            self.seen.append(self.theatre.play(Scene(scene.argv, prepare, env)))

    def end(self) -> int:
        """Deliver everything and search for the word; return the number of events that arrived."""
        # As a process, which starts the delivery.
        process = Os2(self.home, {**base_environment(self.home), **self.variables})
        target = parameters(self.home, **self.variables).target
        waiting = len(self.state.spool.waiting(target))
        process("stage", "--stage", "stg")
        until(lambda: len(self.server.events) >= waiting, LONG)
        self.state.settle()
        told = self.server.everything + self.state.everything()
        for private in (WORD, str(self.home), socket.gethostname(), platform.node()):
            lines = [line for line in told.splitlines() if private.lower() in line.lower()]
            assert lines == [], private
        for each in self.seen:
            assert KEY not in each.stdout + each.stderr
        assert KEY not in self.state.everything()
        return len(self.server.events)


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theatre: Stage) -> Iterator[Day]:
    home = tmp_path / "canary-home"
    home.mkdir()
    with PostHogServer() as server:
        yield Day(theatre, server, home)


def parameters_of(name: str) -> list[Any]:
    """Return the options of a command, its own and the global ones."""
    command: Any = build_app()
    for word in name.split():
        command = command.commands[word]
    return list(command.params)


def with_secrets(name: str) -> Iterator[Scene]:
    """Yield the scene of a command with each option and a secret as its value."""
    texts = itertools.cycle(TEXTS)
    yield SCENES[name].plus("--json", "--debug", "--verbose", "--no-input", "--progress", "json")
    for param in parameters_of(name):
        option = max(param.opts, key=len)
        if not option.startswith("--") or option in GLOBAL:
            continue
        scene, _ = CASES.get((name, option), (SCENES[name], ()))
        yield scene.plus(option, *([] if param.is_flag else [FITTING.get(option) or next(texts)]))


TRACKED = sorted(each.procedure.replace(".", " ") for each in tracked_mutations())


@pytest.mark.parametrize("name", TRACKED)
def test_no_option_of_a_tracked_command_leaks(name: str, day: Day) -> None:
    for scene in with_secrets(name):
        day.play(scene)

    assert day.end() > 0 or name == "doctor"


def test_no_other_command_leaks(day: Day) -> None:
    for name in sorted(set(SCENES) - set(TRACKED)):
        # Those change what is sent.
        if not name.startswith("analytics "):
            day.play(SCENES[name])

    assert day.end() == 0


@pytest.mark.parametrize("verb", [*CHANGES, "rm"])
def test_no_machine_name_leaks(verb: str, day: Day) -> None:
    def named(world: World) -> None:
        sandbox(world, "canary-one")

    day.play(Scene(("machine", verb, "canary-one", "canary-none", "--yes"), named))

    assert day.end() > 0


def test_a_machine_that_is_made_with_secrets(day: Day) -> None:
    def secrets(world: World) -> None:
        (world.folder / "canary.env").write_text("CANARY_OTHER=canary-other\n")

    create = ("machine", "create", "canary-one", "--type", "daytona", "--env-file", "canary.env")
    variables = (
        "-e",
        "CANARY_NAME",
        "-e",
        "CANARY_INLINE=canary-inline",
        "--label",
        "canary=canary",
    )
    day.play(Scene((*create, *variables), secrets))

    assert day.seen[0].status == 0, day.seen[0].stderr
    assert day.end() == 2
    assert day.server.named("machine_created")[0]["properties"]["success"] is True


def test_a_text_of_an_extractor_is_dropped(day: Day) -> None:
    """Drop it even if a careless extractor is registered."""
    known = tracked_mutation("machine.stop")
    assert known is not None
    try:
        register_tracked_mutation("machine.stop", "careless", lambda given: {**given, "one": 1})
        day.play(Scene(("machine", "stop", "canary-machine", "--yes")))
    finally:
        register_tracked_mutation(known.procedure, known.event_name, known.extract_properties)

    assert day.end() == 2
    (event,) = day.server.named("careless")
    assert event["properties"]["one"] == 1


def test_an_unexpected_failure_sends_only_its_kind(day: Day) -> None:
    def broken(world: World) -> None:
        # An unexpected response.
        world.daytona.add_sandbox("stg--one", labels={"dev.os2.machine": "1"})
        (world.folder / "canary").mkdir()

    argv = ("machine", "create", "one", "--type", "daytona", "--env-file", "canary")
    day.play(Scene(argv, broken))

    assert day.end() == 2
