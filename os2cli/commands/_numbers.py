"""The numbers that options take: in plain digits, and within what systems count and wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from os2cli.core.parsing import MAX_NUMBER, parse_number

# By the names of the parser's types.
_KINDS: dict[str, type[int] | type[float]] = {"integer": int, "int range": int}
_KINDS |= {"float": float, "float range": float}


def take_plain_numbers(type_: Any) -> None:
    """Make the type of a parameter, if it is a number's, take only numbers in plain digits.

    The parser's own takes what Python does, and compares it: nan is within every range.
    """
    kind = _KINDS.get(type_.name)
    # Parameters may share a type.
    if kind is not None and not isinstance(type_.convert, partial):
        type_.convert = partial(_plain_number, kind, type_, type_.convert)


def _plain_number(
    kind: Any, type_: Any, convert: Callable[..., Any], value: Any, param: Any, ctx: Any
) -> Any:
    if not isinstance(value, str):
        return convert(value, param, ctx)
    number: Any = parse_number(value, kind)
    if number is None:
        type_.fail(f"{value!r} is not a valid {type_.name}.", param, ctx)
    if number > MAX_NUMBER and getattr(type_, "max", None) is None:
        type_.fail(f"{value} is more than {MAX_NUMBER}", param, ctx)
    return convert(value, param, ctx)
