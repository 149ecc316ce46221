"""What a word means: quotes, escapes and variables, as BuildKit's own reader has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.snapshots.dockerfile.expansion import MAX_CHARACTERS, resolved

VARIABLES = {"X": "foobarbaz", "E": "", "V": "1", "1": "one"}


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("plain", "plain"),
        ('"a$X\\$"', "afoobarbaz$"),
        ("'$X'", "$X"),
        ("\\$X", "$X"),
        ('"a\\b"', "a\\b"),
        ("a'b c'\"d e\"", "ab cd e"),
        ("$X$V", "foobarbaz1"),
        ("$1", "one"),
        ("${N:-${V}y}z", "1yz"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("${N-d}", "d"),
        ("${N+s}", ""),
        ("${E+s}", "s"),
        ("${E:+s}", ""),
        ("${X:+s}", "s"),
        ("${X:?no}", "foobarbaz"),
        ("${X#foo}", "barbaz"),
        ("${X#*b}", "arbaz"),
        ("${X##*b}", "az"),
        ("${X%b*}", "foobar"),
        ("${X%%b*}", "foo"),
        ("${X/ba/xx}", "fooxxrbaz"),
        ("${X//ba/xx}", "fooxxrxxz"),
        ("${X/o*b/-}", "f-az"),
        ("${X//o/}", "fbarbaz"),
        ("${X//?/-}", "---------"),
        ("${X#\\*}", "foobarbaz"),
        ("$", "$"),
        ("a${", "a"),
        ('"open', "open"),
        ("'open", "open"),
    ],
)
def test_a_word(word: str, meaning: str) -> None:
    assert resolved(word, "\\", VARIABLES) == meaning


def test_a_directive_changes_the_escape_character() -> None:
    assert resolved("`$X\\a", "`", VARIABLES) == "$X\\a"


def test_variables_stay_where_none_are_known() -> None:
    assert resolved('"$X"${Y}', "\\") == "$X${Y}"


@given(st.text("$X{}:-+?#%/\\\"'*ab", max_size=40))
def test_every_word_means_something_or_is_refused(word: str) -> None:
    assert len(resolved(word, "\\", VARIABLES)) <= MAX_CHARACTERS


@pytest.mark.parametrize("word", ["$X" * 20_000, '"' + "$X" * 20_000 + '"', "${N:-" * 200])
def test_a_word_that_grows_without_end_is_refused(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolved(word, "\\", VARIABLES)
    assert caught.value.code == "dockerfile_invalid"
