"""Rules between two options of a command."""

from __future__ import annotations

from os2cli.core.errors import UsageError


def reject_both(
    option: str, present: bool, other: str, other_present: bool, *, reason: str = ""
) -> None:
    """Raise ``UsageError`` when both of two contradicting options are present."""
    if present and other_present:
        raise UsageError(
            f"{option} and {other} contradict each other{reason and f': {reason}'}",
            hint="leave one of them out",
            code="option_invalid",
        )


def reject_without(option: str, present: bool, other: str, other_present: bool) -> None:
    """Raise ``UsageError`` when an option is present without the one it requires."""
    if present and not other_present:
        raise UsageError(
            f"{option} requires {other}",
            hint=f"add {other}, or leave {option} out",
            code="option_invalid",
        )
