"""Logs of any size and shape, as lines."""

from __future__ import annotations

import tracemalloc
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.providers import log_lines
from os2cli.providers.log_lines import MAX_LINE_BYTES, last_lines, split_lines

PIECES = st.lists(st.binary(max_size=12) | st.sampled_from([b"\n", b"a\nb", b"\r\n", b"\n\n"]))


@given(PIECES)
def test_lines_do_not_depend_on_the_pieces(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    lines = whole.split(b"\n")
    lines = lines[:-1] if not lines[-1] else lines

    expected = [line.decode(errors="replace").rstrip("\r") for line in lines]

    assert list(split_lines(pieces)) == expected
    assert list(split_lines([whole])) == expected


@pytest.mark.parametrize("size", [1_000, 65_536, 3_000_000])
def test_a_line_without_an_end_is_cut_and_takes_no_memory(size: int) -> None:
    piece = b"x" * size
    count = 60_000_000 // size
    tracemalloc.start()
    lines = list(split_lines(repeat(piece, count)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    (line,) = lines
    assert line.startswith("x" * MAX_LINE_BYTES)
    assert "cut" in line[MAX_LINE_BYTES:]
    assert peak < 16_000_000


def test_what_follows_a_line_that_was_cut_is_whole() -> None:
    lines = list(split_lines([b"x" * (MAX_LINE_BYTES + 1), b"x\nnext\n", b"last"]))

    assert lines[1:] == ["next", "last"]


@given(st.lists(st.text(max_size=3)), st.integers(0, 5))
def test_a_tail_is_the_last_lines(lines: list[str], count: int) -> None:
    assert list(last_lines(lines, count)) == lines[max(len(lines) - count, 0) :]
    assert list(last_lines(lines, None)) == lines


def test_a_tail_that_is_too_large_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "MAX_TAIL_BYTES", 10)

    first, *others = last_lines(["x" * 6, "y" * 6, "z"], 3)

    assert "left out" in first
    assert others == ["y" * 6, "z"]
