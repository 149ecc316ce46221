"""Secrets in a file of any name: private keys, tokens with a known form, logins in addresses.

A search for a fixed part comes first: it takes a hundredth of the time of a regular expression.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable

from os2cli.snapshots.context.secret_values import (
    ISSUERS,
    has_authorization,
    has_issued_setting,
    has_url_login,
)
from os2cli.snapshots.context.token_forms import FORMS, Form

# A part of a token of this length is in two windows of a file that is read in pieces.
OVERLAP_BYTES = 4096

_PLACEHOLDER = re.compile(rb"(?i)example|x{6}|0{12}|\.{3}|\*{3}|your|placeholder|dummy|redacted")
# The token on the front page of jwt.io.
_WELL_KNOWN = b"eyJzdWIiOiIxMjM0NTY3ODkw"

# Most tokens begin with a word of 20 characters, so that of most files only the beginnings of such
# words are looked up. What is in Base64 or has a ~ in it may have no long word at all.
_LONG_WORD = b"a" * 20
_WORD_BYTES = frozenset(b"_-" + string.ascii_letters.encode() + string.digits.encode())
_WORDS = bytes(ord("a") if byte in _WORD_BYTES else ord(" ") for byte in range(256))
_STEM_BYTES = 3
_NO_WORD = (b"PRIVATE KEY", b"PuTTY-User-Key-File", b"client-key-data:")
_Parts = tuple[tuple[bytes, Form], ...]
_INNER: _Parts = tuple((part, form) for form in FORMS if not form.leads for part in form.parts)
_INNER_OF_NO_WORD: _Parts = tuple(
    (part, form)
    for part, form in _INNER
    if part in _NO_WORD or b"+/" in form.pattern or b"~" in form.pattern
)
_LEADING: dict[bytes, _Parts] = {}
for _each in FORMS:
    for _part in _each.parts if _each.leads else ():
        _stem = _part[:_STEM_BYTES]
        _LEADING[_stem] = (*_LEADING.get(_stem, ()), (_part, _each))
# What takes more than an expression to judge.
_Check = tuple[str, tuple[bytes, ...], Callable[[bytes], bool]]
_ISSUERS = tuple(word.encode() for issuer in ISSUERS for word in (issuer, issuer.upper()))
_CHECKS: tuple[_Check, ...] = (
    ("holds a login in an address", (b"://",), has_url_login),
    ("holds a login in a header", (b"uthorization", b"UTHORIZATION"), has_authorization),
    ("holds a token", _ISSUERS, has_issued_setting),
)


def token_in(content: bytes) -> str | None:
    """Return what a part of a file holds that is secret, None for nothing.

    What stands for a token in documents (``ghp_xxxxxxxx…``) is not one.
    """
    stems = _stems(content)
    inner = _INNER if stems else _INNER_OF_NO_WORD
    for part, form in (*inner, *(each for stem in stems for each in _LEADING.get(stem, ()))):
        if part in content and _matches(form, content):
            return form.reason
    for reason, parts, check in _CHECKS:
        if any(part in content for part in parts) and check(content):
            return reason
    return None


def _matches(form: Form, content: bytes) -> bool:
    return any(
        not _PLACEHOLDER.search(match[0]) and _WELL_KNOWN not in match[0]
        for match in re.finditer(form.pattern, content, re.MULTILINE)
    )


def _stems(content: bytes) -> set[bytes]:
    """Return the beginnings of the long words."""
    words = content.translate(_WORDS) + b" "
    stems = set()
    start = words.find(_LONG_WORD)
    while start >= 0:
        stems.add(content[start : start + _STEM_BYTES])
        start = words.find(_LONG_WORD, words.index(b" ", start))
    return stems
