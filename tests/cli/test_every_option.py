"""No option is ignored: each changes the requests or the output, or is rejected.

Every command has a scene in which it succeeds or fails in a known way. Each of its options is added
in turn, and something that can be observed from outside must differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from os2cli.commands import build_app
from os2cli.commands._declare import global_options
from tests.cli.scenes import (
    ASLEEP,
    CHANGES,
    CREATE,
    HERE,
    IN_THIS_PROCESS,
    NO_ENGINE,
    SCENES,
    SHORT,
    UNDER_WAY,
    Scene,
    Stage,
    machine,
    published,
    resolved,
    several,
    shelved,
    shelved_for_long,
    slow,
    slow_to_end,
    unhealthy,
    unhealthy_stopped,
    with_a_dockerfile,
    with_a_secret,
    with_a_strange_image,
    with_podman,
)

pytestmark = IN_THIS_PROCESS


GLOBAL = {name for option in global_options() for name in option.opts} | {"--help"}

# The values of options, unless a command below has its own; flags have none.
VALUES: dict[str, tuple[str, ...]] = {
    "--docker-host": ("ftp://nonsense",),
    "--type": ("local-docker",),
    "--stage": ("dev-other",),
    "--timeout": ("0.2",),
    "--repo": ("elsewhere",),
    "--dockerfile": ("none",),
    "--base-image": ("debian:stable",),
    "--build-arg": ("A=1",),
    "--secret": ("id=PATH",),
    "--ssh": ("default=none",),
    "--target": ("none",),
    "--cpu": ("2",),
    "--memory": ("2",),
    "--disk": ("20",),
    "--last": ("1",),
}

# Options that need another scene or value than their command has.
CASES: dict[tuple[str, str], tuple[Scene, tuple[str, ...]]] = {
    ("machine create", "--type"): (CREATE, ("local-docker", "--no-wait")),
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
    ("machine create", "--log-size"): (HERE, ("50m",)),
    ("machine create", "--isolation"): (HERE, ("off",)),
    ("machine create", "--mount-repo"): (HERE, ()),
    ("machine create", "--build"): (replace(HERE, prepare=with_a_dockerfile), ()),
    ("machine create", "--allow-secrets"): (
        replace(
            HERE.plus("--build"),
            prepare=with_a_secret,
        ),
        (),
    ),
    ("machine create", "--with-git"): (
        replace(HERE.plus("--build"), prepare=with_a_dockerfile),
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
    ("up", "--yes"): (replace(SCENES["up"], prepare=with_a_strange_image), ()),
    ("machine list", "--type"): (SCENES["machine list"], ("daytona",)),
    ("machine list", "--state"): (SCENES["machine list"], ("stopped",)),
    ("machine list", "--filter"): (SCENES["machine list"], ("name=t*",)),
    ("machine list", "--sort"): (SCENES["machine list"], ("-name",)),
    ("machine list", "--columns"): (SCENES["machine list"], ("name",)),
    ("machine exec", "--env"): (SCENES["machine exec"], ("COLOUR=blue",)),
    ("machine exec", "--workdir"): (SCENES["machine exec"], ("/usr",)),
    ("machine logs", "--service"): (SCENES["machine logs"], ("iterate-server",)),
    ("machine logs", "--since"): (SCENES["machine logs"], ("1h",)),
    ("machine logs", "--tail"): (SCENES["machine logs"], ("1",)),
    ("machine url", "--port"): (SCENES["machine url"], ("3001",)),
    ("machine url", "--expires"): (SCENES["machine url"].plus("--signed"), ("2h",)),
    ("machine open", "--port"): (SCENES["machine open"], ("3001",)),
    ("machine start", "--port"): (SCENES["machine start"], ("10500",)),
    ("machine start", "--timeout"): (
        Scene(("machine", "start", "one", "--yes"), unhealthy_stopped, SHORT),
        ("0.2",),
    ),
    ("machine restart", "--timeout"): (
        Scene(("machine", "restart", "one", "--yes"), unhealthy, SHORT),
        ("0.2",),
    ),
    ("machine stop", "--timeout"): (
        replace(SCENES["machine stop"], prepare=slow_to_end),
        ("0.2",),
    ),
    ("machine archive", "--timeout"): (
        replace(SCENES["machine archive"], prepare=slow_to_end),
        ("0.2",),
    ),
    ("machine wait", "--for"): (SCENES["machine wait"], ("stopped", "--timeout", "0.2")),
    ("machine wait", "--timeout"): (
        Scene(("machine", "wait", "one"), unhealthy, SHORT),
        ("0.2",),
    ),
    ("machine rm", "--all"): (
        Scene(("machine", "rm", "--yes", "--type", "daytona"), several),
        (),
    ),
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
    # BuildKit asks for them while it builds: here nothing mounts them.
    ("snapshot local-docker", "--secret"): (
        replace(SCENES["snapshot local-docker"], prepare=with_podman),
        ("id=PATH",),
    ),
    ("snapshot local-docker", "--allow-secrets"): (
        replace(SCENES["snapshot local-docker"], prepare=with_a_secret),
        (),
    ),
    ("snapshot daytona", "--timeout"): (
        Scene(("snapshot", "daytona"), slow, {}),
        ("0.2",),
    ),
    ("snapshot daytona", "--builder"): (SCENES["snapshot daytona"], ("local",)),
    ("snapshot daytona", "--force"): (
        replace(SCENES["snapshot daytona"], prepare=published),
        (),
    ),
    ("snapshot daytona", "--allow-secrets"): (
        replace(SCENES["snapshot daytona"], prepare=with_a_secret),
        (),
    ),
    ("snapshot context", "--type"): (SCENES["snapshot context"], ("daytona",)),
    ("snapshot list", "--state"): (SCENES["snapshot list"], ("inactive",)),
    ("snapshot list", "--sort"): (SCENES["snapshot list"], ("name",)),
    ("snapshot logs", "--follow"): (
        Scene(("snapshot", "logs", UNDER_WAY), shelved),
        ("--timeout", "0.3"),
    ),
    ("snapshot logs", "--timeout"): (SCENES["snapshot logs"], ("1",)),
    ("snapshot resolve", "--no-cache"): (
        replace(SCENES["snapshot resolve"], prepare=resolved),
        (),
    ),
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
    ("snapshot prune", "--keep"): (
        Scene(("snapshot", "prune", "--dry-run"), shelved),
        ("0",),
    ),
}
# They run until a signal comes; other tests cover them.
ENDLESS = {
    ("machine list", "--watch"),
    ("machine logs", "--follow"),
    ("machine stats", "--watch"),
}
ENDLESS |= {("ui", option) for option in ("--port", "--no-open", "--stage", "--docker-host")}
for verb, prepare in CHANGES.items():
    CASES["machine " + verb, "--all"] = (
        Scene(("machine", verb, "--type", "daytona"), several),
        (),
    )
    CASES["machine " + verb, "--yes"] = (Scene(("machine", verb, "one"), prepare), ())


def options() -> Iterator[tuple[str, str]]:
    """Yield every option of every visible command, except the global ones."""
    yield from _options(build_app(), ())


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


PLAYED: dict[str, list[str]] = {}


def without(scene: Scene, theatre: Stage) -> list[str]:
    """Return the result of the scene itself, played once for all of its options."""
    name = repr((scene.argv, scene.prepare.__name__, sorted(scene.env.items())))
    if name not in PLAYED:
        PLAYED[name] = theatre.play(scene).settled()
    return PLAYED[name]


@pytest.mark.parametrize(("command", "option"), list(options()), ids="".join)
def test_an_option_changes_something_or_is_rejected(
    command: str, option: str, theatre: Stage
) -> None:
    scene, value = CASES.get((command, option), (SCENES[command], VALUES.get(option, ())))

    with_it = theatre.play(scene.plus(option, *value)).settled()

    assert with_it != without(scene, theatre)


@pytest.mark.parametrize("command", SCENES)
def test_the_same_scene_gives_the_same_result(command: str, theatre: Stage) -> None:
    """Otherwise the test above could not fail."""
    assert theatre.play(SCENES[command]).settled() == theatre.play(SCENES[command]).settled()
