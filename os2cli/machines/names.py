"""Machine names: validation, and generated names."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from os2cli.core.errors import UsageError
from os2cli.core.models import Machine
from os2cli.core.notices import NOTICES

MAX_LENGTH = 63
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?", re.ASCII)

_QUALITIES = (  # noqa: SIM905 - words in lines read better than 32 lines
    "amber brave brisk calm clear crisp eager fleet gentle glad grand keen kind light lively "
    "lucid mellow merry neat nimble proud quick quiet rapid ready sharp sound steady sunny swift "
    "tidy warm"
).split()
_ANIMALS = (  # noqa: SIM905
    "badger beaver bison crane dingo eagle falcon ferret finch gecko heron ibis jackal koala "
    "lark lemur lynx marten moose otter owl panda puffin raven robin seal sparrow stork swan "
    "tapir wren yak"
).split()


def validate_machine_name(name: str) -> str:
    """Return ``name`` if it is valid; raise ``UsageError`` otherwise."""
    if is_machine_name(name):
        return name
    raise UsageError(
        f"invalid machine name {name!r}",
        hint=f"use up to {MAX_LENGTH} letters, digits, '-', '_' and '.', such as dev-1",
        code="machine_name_invalid",
    )


def numbered_names(name: str, count: int) -> list[str]:
    """Return ``name-1``, ``name-2`` and so on; raise ``UsageError`` if they get too long."""
    return [validate_machine_name(f"{name}-{number}") for number in range(1, count + 1)]


def suggest_machine_name(rng: random.Random | None = None) -> str:
    """Generate a name such as ``brisk-otter``, which may be taken."""
    rng = rng or random.Random()  # noqa: S311 - a name, not a secret
    return f"{rng.choice(_QUALITIES)}-{rng.choice(_ANIMALS)}"


def is_machine_name(name: str) -> bool:
    """Return whether a name is valid."""
    return len(name) <= MAX_LENGTH and _NAME.fullmatch(name) is not None


def named_machines(machines: Iterable[Machine]) -> list[Machine]:
    """Return the machines with a valid name; warn of the others, which are not os2's.

    Other programs write labels as well: a name such as ``--all`` would be an option of a script's
    command.
    """
    named = []
    for machine in machines:
        if is_machine_name(machine.name):
            named.append(machine)
        else:
            NOTICES.warn(
                f"skipping {machine.id} on {machine.type}: {machine.name!r} is not a machine's name"
            )
    return named
