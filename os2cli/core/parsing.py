"""Parsers for values of options: durations, times, sizes, ``KEY=VALUE`` pairs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from os2cli.core.errors import UsageError
from os2cli.core.limits import Isolation

_MIB = 1024 * 1024
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}


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
    if text is None:
        return None
    # The engine's SDK takes 0.1 s to import.
    from docker import errors, utils

    try:
        size = int(utils.parse_bytes(text))
    except (errors.DockerException, ValueError, OverflowError):
        size = 0
    if size < minimum:
        raise UsageError(
            f"{option}: invalid or too small size {text!r}",
            hint=f"write it as 512m or 2g; {least}",
            code="option_invalid",
        )
    return size
