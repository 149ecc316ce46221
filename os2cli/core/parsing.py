"""Parsers for values of options: durations, times, sizes, ``KEY=VALUE`` pairs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from os2cli.core.errors import UsageError
from os2cli.core.limits import Isolation

_Number = TypeVar("_Number", int, float)

# More seconds, lines or CPUs than anyone counts, and within what systems can wait for.
MAX_NUMBER = 1_000_000
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_MIB = 1024 * 1024
# As in docker/go-units: binary, in either case, with an optional B or iB.
_SIZE = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?(?:([kmgtp])(?:i?b)?|b)?", re.ASCII | re.IGNORECASE)
_POWERS = " kmgtp"
_MAX_BYTES = 2**63 - 1
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}


def parse_number(text: str, kind: type[_Number]) -> _Number | None:
    """Parse a number in plain digits.

    None for anything else, also for what only Python takes: ``nan``, ``inf``, ``1_000``, ``٣``.
    """
    if not _PLAIN_NUMBER.fullmatch(text.strip()):
        return None
    try:
        return kind(text)
    except ValueError:
        return None


def parse_minutes(text: str | None, option: str, *, off: int) -> int | None:
    """Parse ``30m``, ``12h`` or ``2d`` to minutes; ``off`` is the number for never."""
    if text is None:
        return None
    word = text.strip().lower()
    if word == "off":
        return off
    found = re.fullmatch(r"(\d{1,6})([mhd])", word, re.ASCII)
    if found is None:
        raise UsageError(
            f"{option}: invalid duration {text!r}",
            hint=f"write it as {option} 30m, 12h, 2d or off",
            code="option_invalid",
        )
    minutes = int(found[1]) * _MINUTES[found[2]]
    if minutes == off:
        raise UsageError(
            f"{option}: {text!r} would mean never",
            hint=f"write it as {option} off, or as 1m or longer",
            code="option_invalid",
        )
    return minutes


_SPANS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str, option: str) -> timedelta:
    """Parse ``90s``, ``30m``, ``12h`` or ``2d``."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip().lower(), re.ASCII)
    if found is None:
        raise UsageError(
            f"{option}: invalid duration {text!r}",
            hint=f"write it as {option} 90s, 30m, 12h or 2d",
            code="option_invalid",
        )
    return timedelta(**{_SPANS[found[2]]: int(found[1])})


def parse_since(text: str, now: datetime) -> datetime:
    """Parse a time in ISO 8601, or a duration before ``now``, to UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    try:
        return now - parse_duration(text, "--since")
    except UsageError as error:
        error.hint = "write it as --since 30m, 12h or 2026-01-11T19:30:45Z"
        raise
    except OverflowError:
        # Before the calendar: everything.
        return datetime.min.replace(tzinfo=UTC)


def parse_pairs(values: list[str] | None, option: str) -> dict[str, str]:
    """Parse repeated ``KEY=VALUE`` options; a later one wins."""
    pairs = {}
    for value in values or []:
        key, separator, rest = value.partition("=")
        if not separator or not key.strip():
            raise UsageError(
                f"{option}: expected KEY=VALUE",
                hint=f"write it as {option} KEY=VALUE",
                code="option_invalid",
            )
        pairs[key.strip()] = rest
    return pairs


def is_utf8(text: str) -> bool:
    """Return whether the text can be sent: bytes that are not UTF-8 came as lone surrogates."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


def parse_isolation(text: str) -> Isolation:
    """Parse the name of an isolation."""
    try:
        return Isolation(text.strip().lower())
    except ValueError:
        raise UsageError(
            f"--isolation: unknown isolation {text!r}",
            hint=f"choose one of {', '.join(Isolation)}",
            code="option_invalid",
        ) from None


def parse_memory(text: str | None) -> int | None:
    """Parse ``512m``, ``2g`` or a number of bytes."""
    return _size(text, "--memory", 6 * _MIB, "engines require at least 6m")


def parse_log_size(text: str | None) -> int | None:
    """Parse the size of a log."""
    return _size(text, "--log-size", _MIB, "at least 1m")


def _size(text: str | None, option: str, minimum: int, least: str) -> int | None:
    """Parse a size as ``docker run`` takes it: ``2g``, ``2GiB``, ``1.5 gb``."""
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    size = 0.0
    if found is not None:
        size = float(found[1]) * 1024 ** _POWERS.index((found[2] or " ").lower())
    if not minimum <= size <= _MAX_BYTES:
        raise UsageError(
            f"{option}: {_size_problem(found is not None, size)} {text!r}",
            hint=f"write it as 512m, 2g or 2GiB; {least}",
            code="option_invalid",
        )
    return int(size)


def _size_problem(is_size: bool, size: float) -> str:
    if not is_size:
        return "invalid size"
    return "too large a size" if size > _MAX_BYTES else "too small a size"
