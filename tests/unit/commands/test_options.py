"""Options with several values or an amount: parsed, or rejected with the right form."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.app.machine_creation import user_labels
from os2cli.core.errors import UsageError
from os2cli.core.parsing import (
    parse_duration,
    parse_memory,
    parse_minutes,
    parse_number,
    parse_pairs,
    parse_since,
)

MEBIBYTE = 1024 * 1024


class TestPairs:
    @pytest.mark.parametrize(
        ("values", "pairs"),
        [
            (None, {}),
            ([], {}),
            (["a=1"], {"a": "1"}),
            (["a="], {"a": ""}),
            (["a=b=c"], {"a": "b=c"}),
            ([" a = b "], {"a": " b "}),
            (["a=1", "b=2", "a=3"], {"a": "3", "b": "2"}),
            (["a=x\ny"], {"a": "x\ny"}),
        ],
        ids=["unset", "none", "one", "empty", "equals sign", "spaces", "repeated", "lines"],
    )
    def test_pairs_are_read(self, values: list[str] | None, pairs: dict[str, str]) -> None:
        assert parse_pairs(values, "--label") == pairs

    @pytest.mark.parametrize("value", ["", "a", "=", "=secret", "  =secret"])
    def test_an_invalid_pair_is_rejected_and_not_shown(self, value: str) -> None:
        with pytest.raises(UsageError) as caught:
            parse_pairs(["a=1", value], "--build-arg")

        error = caught.value
        assert (error.code, error.exit_code) == ("option_invalid", 2)
        assert error.message == "--build-arg: expected KEY=VALUE"
        assert error.hint == "write it as --build-arg KEY=VALUE"


class TestLabels:
    def test_the_users_own_are_taken(self) -> None:
        assert user_labels(["team=core", "dev.os2=x"]) == {"team": "core", "dev.os2": "x"}

    @pytest.mark.parametrize("key", ["dev.os2.machine", "dev.os2.anything", " dev.os2.name"])
    def test_those_of_os2_are_rejected(self, key: str) -> None:
        with pytest.raises(UsageError, match=f"--label {key.strip()}: .* is reserved for os2"):
            user_labels([f"{key}=1"])


class TestMemory:
    @pytest.mark.parametrize(
        ("text", "size"),
        [
            (None, None),
            ("6m", 6 * MEBIBYTE),
            ("512m", 512 * MEBIBYTE),
            ("512M", 512 * MEBIBYTE),
            ("512mb", 512 * MEBIBYTE),
            ("2g", 2048 * MEBIBYTE),
            ("1.5g", 1536 * MEBIBYTE),
            ("8192k", 8 * MEBIBYTE),
            ("8388608", 8 * MEBIBYTE),
            ("8388608b", 8 * MEBIBYTE),
            # As docker run takes them.
            ("2GiB", 2048 * MEBIBYTE),
            ("2gib", 2048 * MEBIBYTE),
            ("2 g", 2048 * MEBIBYTE),
            ("2 GB", 2048 * MEBIBYTE),
            ("10 Mb", 10 * MEBIBYTE),
            (".5g", 512 * MEBIBYTE),
            ("1.g", 1024 * MEBIBYTE),
            ("0.5t", 2**19 * MEBIBYTE),
            ("1PiB", 2**30 * MEBIBYTE),
            ("8388608.9", 8 * MEBIBYTE),
            (" 8m ", 8 * MEBIBYTE),
        ],
    )
    def test_an_amount_is_read(self, text: str | None, size: int | None) -> None:
        assert parse_memory(text) == size

    @pytest.mark.parametrize(
        ("problem", "text"),
        [
            *(("too small a size", text) for text in ("0", "5m", "6291455", "0.0g")),
            *(("too large a size", text) for text in ("8192p", "9" * 30, "9" * 400 + "p")),
            *(("invalid size", text) for text in ("", "-2g", "g", "much", "2x", "2 gigs", "1Gi")),
            *(("invalid size", text) for text in ("nang", "infg", "1e999g", "2  g", "2g g", "٣g")),
            *(("invalid size", text) for text in ("2bb", "2bi", "2ib", "1_0g", "0x10m", "1,5g")),
        ],
    )
    def test_an_unusable_amount_is_rejected(self, problem: str, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            parse_memory(text)

        error = caught.value
        assert (error.code, error.exit_code) == ("option_invalid", 2)
        assert error.message == f"--memory: {problem} {text!r}"
        assert "512m, 2g or 2GiB" in (error.hint or "")

    @given(st.from_regex(r"[0-9.]{1,4} ?[kmgtpib]{0,3}x?", fullmatch=True) | st.text(max_size=8))
    def test_any_text_is_an_amount_or_rejected(self, text: str) -> None:
        with contextlib.suppress(UsageError):
            assert 6 * MEBIBYTE <= (parse_memory(text) or 0) < 2**63


class TestNumbers:
    @pytest.mark.parametrize("text", ["7", " 7 ", "+7", "007"])
    def test_plain_digits_are_a_number(self, text: str) -> None:
        assert parse_number(text, int) == 7
        assert parse_number(text, float) == 7.0

    @pytest.mark.parametrize("text", ["7.5", ".5", "1.", "1e3", "-2E-1"])
    def test_a_fraction_is_not_a_whole_number(self, text: str) -> None:
        assert parse_number(text, int) is None
        assert parse_number(text, float) == float(text)

    @pytest.mark.parametrize(
        "text",
        ["", "nan", "-inf", "infinity", "1_000", "٣", "0x10", "1e", "e1", ".", "1,5"],
    )
    def test_what_only_python_takes_is_none(self, text: str) -> None:
        assert parse_number(text, int) is None
        assert parse_number(text, float) is None


class TestMinutes:
    @pytest.mark.parametrize(
        ("text", "minutes"),
        [
            (None, None),
            ("1m", 1),
            ("30m", 30),
            ("090m", 90),
            ("12h", 720),
            ("2d", 2880),
            (" 2D ", 2880),
            ("999999d", 999_999 * 1440),
            ("off", -7),
            (" OFF", -7),
        ],
    )
    def test_a_duration_is_read(self, text: str | None, minutes: int | None) -> None:
        assert parse_minutes(text, "--auto-stop", off=-7) == minutes

    @pytest.mark.parametrize(
        "text",
        ["", "30", "m", "-1m", "1.5h", "1h30m", "30 m", "30s", "1w", "never", "1000000m", "٣m"],
    )
    def test_anything_else_is_rejected(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            parse_minutes(text, "--auto-stop", off=0)

        error = caught.value
        assert (error.code, error.exit_code) == ("option_invalid", 2)
        assert error.message == f"--auto-stop: invalid duration {text!r}"
        assert error.hint == "write it as --auto-stop 30m, 12h, 2d or off"

    def test_zero_is_a_duration_where_it_means_at_once(self) -> None:
        assert parse_minutes("0m", "--auto-delete", off=-1) == 0

    @pytest.mark.parametrize("text", ["0m", "0h", "000d"])
    def test_zero_is_rejected_where_it_would_mean_never(self, text: str) -> None:
        with pytest.raises(UsageError, match="would mean never") as caught:
            parse_minutes(text, "--auto-stop", off=0)

        assert "--auto-stop off" in (caught.value.hint or "")


NOW = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)


class TestSince:
    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("90s", NOW - timedelta(seconds=90)),
            (" 2H ", NOW - timedelta(hours=2)),
            ("2026-01-11T19:30:45Z", NOW),
            ("2026-01-11T19:30:45", NOW),
            ("2026-01-11 20:30:45+01:00", NOW),
            ("2026-01-11", NOW.replace(hour=0, minute=0, second=0)),
            ("999999d", datetime.min.replace(tzinfo=UTC)),
        ],
    )
    def test_a_span_or_a_moment_is_read(self, text: str, moment: datetime) -> None:
        assert parse_since(text, NOW) == moment

    @pytest.mark.parametrize(
        "text", ["", "yesterday", "5", "-5m", "1.5h", "0001-01-01T00:00+14:00"]
    )
    def test_anything_else_is_rejected_with_both_forms(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            parse_since(text, NOW)

        assert "30m" in (caught.value.hint or "")
        assert "2026-" in (caught.value.hint or "")

    @pytest.mark.parametrize("text", ["", "5", "5w", "\u0665m", "1h30m"])
    def test_an_invalid_span_names_its_option(self, text: str) -> None:
        with pytest.raises(UsageError, match="--older-than"):
            parse_duration(text, "--older-than")
