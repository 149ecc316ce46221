"""Ages, durations and sizes as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from os2cli.output.humanize import age, size, time_left

NOW = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-60, "just now"),
        (0, "just now"),
        (4.9, "just now"),
        (5, "5 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 d ago"),
        (86400 * 400, "400 d ago"),
    ],
)
def test_an_age_is_in_its_largest_unit(seconds: float, words: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == words


def test_an_age_is_counted_until_now() -> None:
    assert age(datetime.now(UTC) - timedelta(hours=2, minutes=1)) == "2 h ago"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1500, "2 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (1_000_000, "1 MB"),
        (999_999_999, "1.00 GB"),
        (1_040_000_000, "1.04 GB"),
        (1_500_000_000_000, "1500.00 GB"),
    ],
)
def test_a_size_is_in_its_largest_unit(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "expired"),
        (0, "expired"),
        (59, "59 s left"),
        (60, "1 min left"),
        (89, "1 min left"),
        (90, "2 min left"),
        (3599, "1 h left"),
        (7199, "2 h left"),
        (7169, "1 h left"),
        (2 * 86400 - 1, "2 d left"),
    ],
)
def test_the_time_left_is_rounded_to_the_minute(seconds: float, words: str) -> None:
    assert time_left(NOW + timedelta(seconds=seconds), NOW) == words
