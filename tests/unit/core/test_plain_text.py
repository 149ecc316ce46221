"""What is left of text from elsewhere."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.plain_text import plain_line, plain_text

# What a terminal obeys: strings, sequences, escapes and single characters; also cut off.
OBEYED = {
    "\x1b[31m": "", "\x1b[1;38:2:1:2:3m": "", "\x1b[?1049h": "", "\x1b[2K\x1b[1G": "",
    "\x1b[12": None, "\x1b[": None, "\x1b": None, "\x9b31m": "", "\x9b": None,
    "\x1b]0;title\x07": "", "\x1b]52;c;aGk=\x1b\\": "", "\x9d0;title\x9c": "", "\x1b]0;title": None,
    "\x1bP1$r\x1b\\": "", "\x1b_app\x1b\\": "", "\x1b^pm\x07": "", "\x1bXsos\x9c": "",
    "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\": "link",
    "\x1bc": "", "\x1b(0": "", "\x1b#8": "", "\x1b7\x1b8": "", "\x1b=": "",
    "\x00": "", "\x07": "", "\x08": "", "\x0b": "", "\x0c": "", "\x0e": "", "\x7f": "", "\x85": "",
    "\u202e": "", "\u2066": "", "\u200f": "", "\u061c": "", "\u2028": "",
}  # fmt: skip


SPECIAL = "\x1b\x9b\x9d[];\r"


class TestPlainText:
    @pytest.mark.parametrize("sequence", OBEYED, ids=ascii)
    def test_has_nothing_that_a_terminal_obeys(self, sequence: str) -> None:
        """One that is cut off may take what follows it, as a terminal does."""
        left = OBEYED[sequence]

        assert plain_text(f"before{sequence}") == f"before{left or ''}"
        if left is not None:
            assert plain_text(f"before{sequence}after\tx") == f"before{left}after\tx"
            assert plain_text(f"{sequence}a\n{sequence}b") == f"{left}a\n{left}b"

    @pytest.mark.parametrize(
        ("text", "plain"),
        [
            ("old\rnew", "new"),
            ("text\r", "text"),
            ("a\r\nb\r\n", "a\nb\n"),
            ("ä → 日本", "ä → 日本"),
        ],
    )
    def test_is_the_last_state_of_a_line(self, text: str, plain: str) -> None:
        assert plain_text(text) == plain

    @given(st.text(st.characters(codec="utf-8") | st.sampled_from("\x1b\x9b\x9d[];\r")))
    def test_has_no_control_character_of_any_kind(self, text: str) -> None:
        plain = plain_text(text)

        assert not [c for c in plain if unicodedata.category(c) == "Cc" and c not in "\t\n"]
        assert not [c for c in plain if unicodedata.bidirectional(c) in BIDI_CONTROLS]
        assert plain_text(plain) == plain


# The classes of Unicode's explicit directional formatting characters.
BIDI_CONTROLS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def test_a_line_is_one_line() -> None:
    assert plain_line("a\n\tb\x1b[2K\r\nc") == "a b c"
