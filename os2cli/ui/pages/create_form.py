"""The form for a new machine, from the declared options of ``machine create``."""

from __future__ import annotations

import shlex
from math import inf
from typing import Any

from os2cli.app.machine_options import MachineOptions
from os2cli.app.options import DeclaredOption, Input, changed, declared_options
from os2cli.providers.entry import Material
from os2cli.ui.pages.forms import Fields

OPTIONS = declared_options(MachineOptions)
# Which keyboard a phone shows for a number.
INPUT_MODES = {int: "numeric", float: "decimal"}


def inputs(group: str, *, flags: bool) -> list[tuple[DeclaredOption, Input]]:
    """Return the options in a group of the form and their inputs, in the form's order."""
    options = [
        (option, option.spec.input)
        for option in OPTIONS
        if option.spec.input and option.spec.input.group == group and (option.kind is bool) == flags
    ]
    return sorted(options, key=lambda pair: pair[1].order)


def restricted_flags(material: Material) -> list[str]:
    """Return the flags that machines of this material take and some others reject."""
    options = (option for option in OPTIONS if option.restricted)
    return sorted(option.flag for option in options if material in option.spec.materials)


def read_options(fields: Fields, stage: str | None) -> MachineOptions:
    """Read the form; raise ``UsageError`` as the command line does.

    ``stage`` is the default of the web UI.
    """
    values = {option.name: _read(option, fields) for option in OPTIONS if option.spec.input}
    filled_in = {name: value for name, value in values.items() if value is not None}
    return MachineOptions(**{"stage": stage, **filled_in})


def _read(option: DeclaredOption, fields: Fields) -> Any:
    name, spec = option.word, option.spec
    if spec.parser is not None:
        text = fields.text(name)
        return spec.parser(text) if text else None
    if option.kind is bool:
        return fields.flag(name)
    minimum = -inf if spec.minimum is None else spec.minimum
    if option.kind is int:
        return fields.whole(name, minimum, spec.maximum)
    if option.kind is float:
        return fields.number(name, minimum)
    if option.kind == list[str]:
        return fields.pairs(name) or None
    return fields.text(name)


def job_input(options: MachineOptions) -> dict[str, object]:
    """Return the options that were filled in, by name; for variables and labels only the keys."""
    return {"type_": options.type_} | {
        option.name: [_key(pair) for pair in value] if isinstance(value, list) else value
        for option, value in changed(options)
    }


def command_of(options: MachineOptions) -> str:
    """Return the equivalent command line, without the values of variables and labels."""
    words = ["os2 machine create", *([options.name] if options.name else [])]
    values = job_input(options)
    for option in OPTIONS:
        if option.name not in values or option.spec.positional:
            continue
        value = values[option.name]
        if value is True:
            words.append(option.flags[0])
        else:
            texts = value if isinstance(value, list) else [value]
            words += [f"{option.flags[0]} {shlex.quote(str(text))}" for text in texts]
    return " ".join(words)


def _key(pair: str) -> str:
    return pair.partition("=")[0]
