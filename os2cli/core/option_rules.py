"""What two options of one command mean for each other."""

from __future__ import annotations

from os2cli.core.errors import UsageError


def reject_both(
    option: str, present: bool, other: str, other_present: bool, *, reason: str = ""
) -> None:
    """Raise ``UsageError`` when two options that exclude each other are both present."""
    if present and other_present:
        raise UsageError(
            f"{option} and {other} contradict each other{reason and f': {reason}'}",
            hint="leave one of them out",
            code="option_invalid",
        )


def reject_without(option: str, present: bool, other: str, other_present: bool) -> None:
    """Raise ``UsageError`` when an option is present without the one that it depends on."""
    if present and not other_present:
        raise UsageError(
            f"{option} changes nothing without {other}",
            hint=f"leave it out, or add {other}",
            code="option_invalid",
        )
