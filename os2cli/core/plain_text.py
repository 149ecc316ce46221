"""The one filter for text from elsewhere: nothing that a terminal or a reader's eye obeys."""

from __future__ import annotations

import re

# ECMA-48's control functions, also those that are cut off, in their 7-bit and 8-bit forms.
_OBEYED = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])(?s:.*?)(?:\x07|\x1b\\|\x9c|\Z)"  # strings: a title
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|$)"  # sequences, such as a colour
    r"|\x1b[ -/]*(?:[0-~]|$)"  # escapes, such as a reset
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    # These change the order in which a text is shown, or break its line.
    r"|[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f]"
)

# Only from where blanks begin: a search from each of many takes the square of their number.
_BREAKS = re.compile(r"(?<! ) *+[\t\n]\s*+")
# The single ones of them beyond ASCII, and halves of surrogate pairs, which no encoding has.
_UNESCAPED = re.compile(
    r"[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ud800-\udfff]"
)


def plain_text(text: str) -> str:
    """Return a text without anything that a terminal obeys; tabs and line breaks stay.

    Of a line that was written over with carriage returns, the last state stays.
    """
    if text.isprintable():
        return text
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return "\n".join(_OBEYED.sub("", line) for line in lines)


def plain_line(text: str) -> str:
    """Return a text as one line: each line break or tab becomes a space."""
    return text if text.isprintable() else _BREAKS.sub(" ", plain_text(text).strip("\t\n"))


def plain_json(text: str) -> str:
    """Return JSON with escapes for what a terminal obeys; a parser reads the same values.

    JSON itself escapes only the first 32 control characters.
    """
    return _UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
