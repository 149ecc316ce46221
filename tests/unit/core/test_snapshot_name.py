"""Formatting and parsing snapshot names are inverse functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.core.snapshot_name import SnapshotName

WORD = "[A-Za-z0-9_]{1,20}"
stages = st.from_regex(rf"-?{WORD}(-{WORD}){{0,2}}", fullmatch=True)
moments = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001
offsets = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


def name(text: str) -> SnapshotName:
    return SnapshotName.parse(text)


@given(stage=stages, moment=moments, zone=offsets)
def test_what_is_written_is_read_back(stage: str, moment: datetime, zone: timezone) -> None:
    made = SnapshotName(stage, moment.replace(tzinfo=zone))

    assert SnapshotName.parse(str(made)) == made


@given(stage=stages, moment=moments)
def test_what_is_read_is_written_as_it_was(stage: str, moment: datetime) -> None:
    digits = moment.isoformat()[:19].translate({ord("-"): None, ord(":"): None, ord("T"): "-"})
    text = f"{stage}--{digits}"

    assert str(SnapshotName.parse(text)) == text


@given(text=st.text() | st.from_regex(r"[a-z-]{0,6}-{1,4}[0-9]{8}-[0-9]{6}", fullmatch=True))
def test_any_text_is_either_refused_or_written_as_it_was(text: str) -> None:
    try:
        found = SnapshotName.parse(text)
    except UsageError:
        return

    assert str(found) == text


def test_the_example_of_the_specification() -> None:
    moment = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)

    made = SnapshotName("dev-jonas", moment)

    assert str(made) == "dev-jonas--20260111-193045"
    assert name("dev-jonas--20260111-193045") == made


def test_another_time_zone_is_converted() -> None:
    moment = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))

    assert str(SnapshotName("prd", moment)) == "prd--20251231-233000"


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        SnapshotName("prd", datetime(2026, 1, 1))  # noqa: DTZ001


def test_parts_of_a_second_are_dropped() -> None:
    moment = datetime(2026, 1, 1, 0, 0, 59, 999_999, tzinfo=UTC)

    assert str(SnapshotName("prd", moment)) == "prd--20260101-000059"


@pytest.mark.parametrize(("year", "digits"), [(1, "0001"), (999, "0999"), (9999, "9999")])
def test_years_have_four_digits(year: int, digits: str) -> None:
    made = SnapshotName("prd", datetime(year, 2, 3, tzinfo=UTC))

    assert str(made) == f"prd--{digits}0203-000000"
    assert SnapshotName.parse(str(made)) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dev",
        "dev--",
        "--20260111-193045",
        "dev-20260111-193045",
        "dev--2026011-193045",
        "dev--20260111-19304",
        "dev--20260111193045",
        "dev--20260111_193045",
        "dev--20260111-1930451",
        "dev--20260111-193045\n",
        " dev--20260111-193045",
        "dev--20260111-193045-2",
        "dev--2026011\N{ARABIC-INDIC DIGIT ONE}-193045",
        "a--b--20260111-193045",
        "dev---20260111-193045",
        "dév--20260111-193045",
        f"{'x' * 64}--20260111-193045",
        "dev--20260230-193045",
        "dev--20250229-193045",
        "dev--20261311-193045",
        "dev--20260011-193045",
        "dev--20260100-193045",
        "dev--20260111-243045",
        "dev--20260111-196045",
        "dev--20260111-193060",
        "dev--00000111-193045",
    ],
)
def test_an_invalid_name_is_rejected_and_quoted(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        SnapshotName.parse(text)

    assert caught.value.code == "snapshot_name_invalid"
    assert repr(text) in caught.value.message


def test_a_leap_day_exists() -> None:
    assert name("dev--20240229-000000").created.day == 29


def test_an_invalid_stage_makes_no_name() -> None:
    with pytest.raises(UsageError) as caught:
        SnapshotName("a--b", datetime(2026, 1, 1, tzinfo=UTC))

    assert caught.value.code == "stage_invalid"


@pytest.mark.parametrize(
    ("this", "following"),
    [
        ("prd--20260111-193045", "prd--20260111-193046"),
        ("prd--20260111-235959", "prd--20260112-000000"),
        ("prd--20240228-235959", "prd--20240229-000000"),
        ("prd--20251231-235959", "prd--20260101-000000"),
    ],
    ids=["second", "midnight", "leap day", "year"],
)
def test_a_taken_name_is_followed_by_the_next_second(this: str, following: str) -> None:
    assert str(name(this).next_second()) == following


def test_names_of_a_stage_sort_by_their_moment() -> None:
    texts = ["prd--20260111-193045", "prd--20251231-235959", "prd--09990101-000000"]

    assert [str(n) for n in sorted(map(name, texts))] == texts[::-1]
