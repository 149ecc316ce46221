"""No value of an option is unexpected: os2 takes it, or rejects it in one sentence with a hint."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from os2cli.commands import build_app
from tests.cli.scenes import IN_THIS_PROCESS, SCENES, Stage, World
from tests.cli.test_every_option import CASES, options

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = IN_THIS_PROCESS

NUMBERS = (
    *("nan", "-nan", "inf", "-inf", "Infinity", "1e400", "1e308", "1e18", "-1", "0", "-0.0"),
    *(
        "0.0000001",
        "9" * 30,
        "9" * 5000,
        "1_000",
        "\uff11\uff12",
        "٣",
        "0x10",
        "1e3",
        "+2",
        ".",
        "-",
    ),
)
TEXTS = (
    *("", " ", "..", "/", "=", ":", "=x", ",", "[", "(", "*", "%s", "{}", "~", "a\nb", "\x1b[31m"),
    *(
        "x" * 5000,
        "\udcff",
        "nan",
        "9" * 30,
        "\uff11\uff12m",
        "1_0m",
        "99999999999999d",
        "1e400",
        "infm",
    ),
)
# As a time limit, they only wait.
PATIENT = frozenset({"+2", "1e3", "1e18"})


# Commands share most options; each command gets a part of the values, of another start.
PART = 3


def valued_options() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield every option that takes a value, with the values for it."""
    shared = Counter(option for _, option in options())
    for number, (command, option) in enumerate(options()):
        found: Any = build_app()
        for word in command.split():
            found = found.commands[word]
        param = next(each for each in found.params if option in each.opts)
        if not getattr(param, "is_flag", False):
            values = NUMBERS if param.type.name.startswith(("int", "float")) else TEXTS
            step = PART if shared[option] >= PART else 1
            yield command, option, values[number % step :: step]


@pytest.mark.parametrize(
    ("command", "option", "values"),
    [pytest.param(*case, id="".join(case[:2])) for case in valued_options()],
)
def test_no_value_is_unexpected(
    command: str, option: str, values: tuple[str, ...], theatre: Stage
) -> None:
    scene, value = CASES.get((command, option), (SCENES[command], ()))
    outcomes: dict[str, str] = {}

    def with_every_value(world: World) -> None:
        scene.prepare(world)
        for each in values:
            if option == "--timeout" and each in PATIENT:
                continue
            argv = scene.plus(f"{option}={each}", *value[1:], "--json").argv
            theatre.capfd.readouterr()
            world.run(*(world.engine.url if word == "ENGINE" else word for word in argv))
            outcomes[each] = theatre.capfd.readouterr().out

    theatre.play(replace(scene, argv=("--version",), prepare=with_every_value))

    for each, out in outcomes.items():
        error = (json.loads(out).get("error") if out.startswith("{") else None) or {}
        assert error.get("code") != "unexpected", (each, error)
        if error.get("code") in ("usage", "option_invalid"):
            assert error["hint"], (each, error)
