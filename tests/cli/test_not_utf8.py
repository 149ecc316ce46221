"""Text that is not UTF-8 reaches a machine as it is, or is rejected in one sentence."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from os2cli.commands import build_app
from os2cli.settings.describe import declared_variables
from tests.cli.scenes import (
    CREATE,
    HERE,
    IN_THIS_PROCESS,
    SCENES,
    Observation,
    Scene,
    Stage,
    World,
    with_a_dockerfile,
)
from tests.cli.test_every_option import CASES, options
from tests.command import Os2

pytestmark = IN_THIS_PROCESS

BYTES = "\udcff\udc80"
PAIRS = {"--env", "--label", "--build-arg", "--filter"}
# What programs and files may have; a machine that runs programs is in tests of its own.
OF_ANY_BYTES = {"machine exec", "machine cp"}
# As is its directory; whether there is one, its exit code tells.
WORKDIR = ("machine exec", "--workdir")
HOME = ("HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR")
OTHERS = ("USER", "LANG", "PATH", "HTTPS_PROXY", "NO_PROXY", "BROWSER")
VARIABLES = (*(each.variable for each in declared_variables()), *HOME, *OTHERS)
HERE_BUILT = replace(HERE, prepare=with_a_dockerfile).plus("--build")
ON_HOST = Scene(("machine", "create", "p", "--type", "local-process", "--no-wait"))
# What uses variables: each goes through all that it means something to, or through one in turn.
USES = (CREATE, SCENES["snapshot resolve"], SCENES["snapshot daytona"], HERE_BUILT, ON_HOST)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Undo what the scenes change in this process."""
    before, folder = dict(os.environ), Path.cwd()
    yield
    os.environ.clear()
    os.environ.update(before)
    os.chdir(folder)


def check(observed: Observation) -> None:
    assert "unexpected" not in observed.stdout + observed.stderr
    assert "Traceback" not in observed.stderr
    if observed.status == 2:
        errors = [line for line in observed.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1


def text_options() -> Iterator[tuple[str, str]]:
    for command, option in options():
        found: Any = build_app()
        for word in command.split():
            found = found.commands[word]
        param = next(each for each in found.params if option in each.opts)
        if not (param.is_flag or param.count) and (command, option) != WORKDIR:
            yield command, option


@pytest.mark.parametrize(("command", "option"), list(text_options()), ids="".join)
def test_an_option_is_rejected(command: str, option: str, theatre: Stage) -> None:
    scene, _ = CASES.get((command, option), (SCENES[command], ()))
    observed = theatre.play(scene.plus(option, f"K={BYTES}" if option in PAIRS else BYTES))

    check(observed)
    assert observed.status == 2 or (command, option) == ("machine create", "--type")


@pytest.mark.parametrize("command", sorted(set(SCENES) - OF_ANY_BYTES))
def test_an_argument_is_rejected(command: str, theatre: Stage) -> None:
    scene = SCENES[command]
    for at in range(len(command.split()), len(scene.argv)):
        if not scene.argv[at].startswith("-"):
            words = (*scene.argv[:at], f"{scene.argv[at]}{BYTES}", *scene.argv[at + 1 :])
            observed = theatre.play(replace(scene, argv=words))
            check(observed)
            assert observed.status == 2


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_is_passed_on_or_rejected(variable: str, theatre: Stage) -> None:
    every = variable.startswith(("DAYTONA", "LOCAL", "HOME"))
    at = VARIABLES.index(variable) % len(USES)
    for scene in USES if every else USES[at : at + 1]:

        def prepare(world: World, scene: Scene = scene) -> None:
            scene.prepare(world)
            folder = world.folder.parent / BYTES
            folder.mkdir()
            os.environ[variable] = str(folder) if variable in HOME else BYTES

        check(theatre.play(replace(scene, prepare=prepare)))


@pytest.mark.parametrize("command", SCENES)
def test_a_directory_a_branch_and_files_may_have_any_name(command: str, theatre: Stage) -> None:
    scene = SCENES[command]

    def prepare(world: World) -> None:
        world.folder = world.folder / f"checkout{BYTES}"
        (world.folder / ".git").mkdir(parents=True)
        (world.folder / ".git/HEAD").write_bytes(b"ref: refs/heads/branch\xff\n")
        (world.folder / f"file{BYTES}").touch()
        os.chdir(world.folder)
        scene.prepare(world)

    check(theatre.play(replace(scene, prepare=prepare)))


def test_a_repository_that_an_engine_cannot_name_is_sent(theatre: Stage) -> None:
    def prepare(world: World) -> None:
        folder = world.folder / BYTES
        folder.mkdir(parents=True)
        os.chdir(folder)

    observed = theatre.play(replace(HERE.plus("--mount-repo"), prepare=prepare))

    check(observed)
    assert observed.status == 0


LOCALES = [{"LANG": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "C.UTF-8"}]


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_a_process_prints_and_rejects_such_text_in_every_locale(
    os2: Os2, locale: dict[str, str]
) -> None:
    (os2.folder / "sandbox").mkdir()
    (os2.folder / "sandbox/Dockerfile").write_text("FROM scratch\n")
    (os2.folder / f"file{BYTES}").touch()

    def run(*words: str) -> tuple[int, bytes, bytes]:
        environment = {**os2.env, **locale, "ITERATE_USER": BYTES}
        done = subprocess.run(
            os2.argv(*words), cwd=os2.folder, env=environment, capture_output=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    for words in (("snapshot", "context"), ("snapshot", "context", "--json"), ("config",)):
        status, stdout, stderr = run(*words)
        assert (status, b"unexpected" in stderr) == (0, False)
        stdout.decode()
    for words in (("machine", "show", BYTES), ("stage",), (f"nothing{BYTES}",)):
        status, _, stderr = run(*words)
        assert status == 2
        assert stderr.startswith(b"error: ")


@pytest.mark.parametrize(
    "words",
    [
        ("machine", "exec", "one", "--", "printf", BYTES),
        ("machine", "exec", "one", "--workdir", BYTES, "--", "pwd"),
        ("machine", "exec", "one", "-e", f"A={BYTES}", "--", "pwd"),
        ("machine", "cp", "notes", f"one:{BYTES}"),
        ("machine", "cp", f"one:{BYTES}", "."),
        ("machine", "cp", f"file{BYTES}", f"one:{BYTES}/"),
    ],
    ids=repr,
)
def test_a_machine_on_daytona_gets_every_byte_or_the_command_is_rejected(
    words: tuple[str, ...], theatre: Stage
) -> None:
    def prepare(world: World) -> None:
        SCENES["machine exec"].prepare(world)
        (world.folder / f"file{BYTES}").write_text("x")
        assert world.run("machine", "exec", "one", "--", "mkdir", BYTES) == 0

    check(theatre.play(Scene(words, prepare)))
