"""Texts that leave this computer, without what is private in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

HIDDEN = "•••"
# As much as it may be: a password may hold an @ that nobody encoded.
_USERINFO = re.compile(r"(?<=://)\S*@")
_NOBODY = frozenset({"", "root", "localhost", "unknown"})


def mask_userinfo(text: str) -> str:
    """The text with what stands before the @ of its URLs hidden."""
    return _USERINFO.sub(f"{HIDDEN}@", text)


def redact(text: str, home: Path, private: Mapping[str, str]) -> str:
    """The text with the home folder as ``~``, no user of a URL, and no private word.

    ``private`` maps words to what stands in their place. They are taken for whole words only, and
    not at all when they name nobody.
    """
    text = mask_userinfo(text)
    folder = str(home)
    if folder != home.anchor:
        text = re.sub(rf"{re.escape(folder)}(?![\w.-])", "~", text)
    for word, place in sorted(private.items(), key=lambda item: -len(item[0])):
        if word.lower() not in _NOBODY:
            text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", place, text, flags=re.IGNORECASE)
    return text
