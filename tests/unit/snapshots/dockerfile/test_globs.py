"""Patterns of variables, compared with the standard library's regular expressions."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from os2cli.snapshots.dockerfile.globs import Glob

PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "?", "\\*", "\\?", "\\a", "."]), max_size=6)
TEXTS = st.text("ab*?.", max_size=8)


def expression(signs: list[str]) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(sign) or re.escape(sign[-1]) for sign in signs), re.DOTALL)


def lengths(signs: list[str], text: str) -> list[int]:
    matches = expression(signs).fullmatch
    return [length for length in range(len(text) + 1) if matches(text, 0, length)]


@given(PATTERNS, TEXTS)
def test_a_start_is_cut(signs: list[str], text: str) -> None:
    glob, ends = Glob("".join(signs)), lengths(signs, text) or [0]
    assert glob.cut(text, longest=False) == text[ends[0] :]
    assert glob.cut(text, longest=True) == text[ends[-1] :]


@given(PATTERNS, TEXTS)
def test_an_end_is_cut(signs: list[str], text: str) -> None:
    glob = Glob("".join(signs), reverse=True)
    matches = expression(signs).fullmatch
    starts = [start for start in range(len(text), -1, -1) if matches(text, start)] or [len(text)]
    assert glob.cut(text, longest=False) == text[: starts[0]]
    assert glob.cut(text, longest=True) == text[: starts[-1]]


@given(PATTERNS, TEXTS, st.booleans())
def test_parts_are_replaced(signs: list[str], text: str, every: bool) -> None:
    kept, place, left = "", 0, len(text) if every else 1
    while place < len(text):
        end = max(lengths(signs, text[place:]), default=0) if left else 0
        kept += "<>" if end else text[place]
        left -= bool(end)
        place += end or 1
    assert Glob("".join(signs)).replace(text, "<>", every=every) == kept
