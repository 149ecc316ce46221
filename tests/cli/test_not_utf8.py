"""Text that is not UTF-8 reaches a machine as it is, or is rejected in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from os2cli.commands import build_app
from tests.cli.scenes import IN_THIS_PROCESS, SCENES, Scene, Stage
from tests.cli.test_every_option import CASES, GLOBAL, options

pytestmark = IN_THIS_PROCESS

BYTES = "\udcff\udc80"
# What the parser of a value expects around it.
FORMS = (BYTES, f"a{BYTES}", f"KEY={BYTES}", f"{BYTES}=value", f"one:/tmp/{BYTES}", f"./{BYTES}")


def takes_text(command: str, option: str) -> bool:
    found: Any = build_app()
    for word in command.split():
        found = found.commands[word]
    param = next(each for each in found.params if option in each.opts)
    return not (param.is_flag or param.count)


def option_scenes() -> Iterator[tuple[str, Scene]]:
    """Yield each option that takes a value, with bytes in each form."""
    for command, option in options():
        if takes_text(command, option):
            scene, _ = CASES.get((command, option), (SCENES[command], ()))
            for form in FORMS:
                yield f"{command} {option} {form!a}", scene.plus(option, form)


def argument_scenes() -> Iterator[tuple[str, Scene]]:
    """Yield each command with bytes as each of its words."""
    for command, scene in SCENES.items():
        for at in range(len(command.split()), len(scene.argv)):
            if scene.argv[at].startswith("-"):
                continue
            for form in (*FORMS, f"{scene.argv[at]}{BYTES}"):
                words = (*scene.argv[:at], form, *scene.argv[at + 1 :])
                yield f"{command} {at} {form!a}", Scene(words, scene.prepare, scene.env)


GENERATED = dict([*option_scenes(), *argument_scenes()])


@pytest.mark.parametrize("name", GENERATED)
def test_no_text_is_unexpected(name: str, theatre: Stage) -> None:
    observed = theatre.play(GENERATED[name])

    assert "unexpected" not in observed.stdout + observed.stderr
    assert "Traceback" not in observed.stderr
    if observed.status == 2:
        errors = [line for line in observed.stderr.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
