"""Every regular expression reads hostile text in a time that grows as its length does."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from os2cli.commands._dispatch import PARSER_MESSAGES
from os2cli.core.plain_text import plain_line, plain_text
from os2cli.core.redaction import mask_address, mask_tokens, mask_userinfo
from os2cli.providers.local_docker.base_image.pull import pull_failure
from os2cli.providers.local_docker.engine import answers
from os2cli.snapshots.context import secret_files, secret_values, token_forms
from os2cli.snapshots.context.secret_tokens import token_in
from os2cli.snapshots.dockerfile import shell_words
from os2cli.snapshots.dockerfile.flags import flags
from tests.unit.expressions import Expression, built, expressions, hostile_texts, modules

MODULES = [*modules()]
# What doubles with each repetition shows at the first, squares at the second. A linear one needs a
# tenth of the seconds.
SIZES, SECONDS = (250, 6000), 0.015
ATTEMPTS = 5


def enclosed_patterns(looks: object) -> list[bytes]:
    """Return the pattern that a function of ``_holds`` searches for; none of another."""
    cells = getattr(looks, "__closure__", None) or ()
    return [each for cell in cells if isinstance(each := cell.cell_contents, bytes)]


FIND = frozenset({"finditer"})
SEARCH = frozenset({"search"})
_ESCAPES = ("\\", "`")
_BASE_WORD = Expression("base", re.compile(r"\bBASE_IMAGE\b"), SEARCH)
# The functions that write expressions from parts, and those of what they write that see foreign
# text; none with the reason.
BUILT: dict[str, list[Expression]] = {
    "os2cli.commands._dispatch.rejected": [
        Expression("a message", re.compile(text), frozenset({"sub"})) for text, _ in PARSER_MESSAGES
    ],
    # A fixed text between two looks at one character.
    "os2cli.core.redaction.redact": [],
    "os2cli.snapshots.dockerfile.shell_words._word": [
        Expression("word", shell_words._word(each), FIND) for each in _ESCAPES
    ],
    # One character.
    "os2cli.snapshots.dockerfile.shell_words.quoted": [],
    # A fixed text and up to 3 digits.
    "os2cli.providers.daytona.machines.spool.__init__": [],
    # Words, one after the other: see test_functions below.
    "os2cli.providers.local_docker.base_image.pull.pull_failure": [],
    "os2cli.providers.local_docker.engine.answers._matching": [
        Expression("request", re.compile(text), frozenset({"fullmatch"}))
        for text in (*answers._LISTS, *answers._DOCUMENTS)
    ],
    # One character: the automaton is there because patterns are foreign.
    "os2cli.snapshots.context.automaton._add": [],
    # Globs of our own, each with one ``*/`` before it, against paths, which systems limit.
    "os2cli.snapshots.context.secret_files._compiled": [],
    "os2cli.snapshots.context.secret_files._holds": [
        Expression(str(pattern), re.compile(pattern, re.MULTILINE), SEARCH)
        for looks in (*vars(secret_files).values(), *(rule.looks for rule in secret_files._RULES))
        for pattern in enclosed_patterns(looks)
    ],
    # A name of ours as a word.
    "os2cli.snapshots.dockerfile.bases._places": [_BASE_WORD],
    "os2cli.snapshots.dockerfile.bases.is_base_alone": [_BASE_WORD],
    # Ours, against the line of a request of os2.
    "os2cli.providers.local_docker.engine.changes.check_change": [],
    **{
        f"os2cli.snapshots.context.secret_values.{function}": [
            Expression(name, re.compile(getattr(secret_values, name)), frozenset({method}))
            for name, method in names.items()
        ]
        for function, names in {
            "_is_real": {"_SWITCH": "fullmatch", "_PATH": "match"},
            "_settings": {"_NAME": "finditer", "_VALUE": "match", "_COMMENTED": "match"},
            "has_authorization": {"_BEARER": "finditer"},
            "has_issued_setting": {"_ISSUED": "finditer", "_RANDOM": "fullmatch"},
            "has_url_login": {"_URL_LOGIN": "finditer", "_NOWHERE": "match"},
            "is_placeholder": {"_COMMON": "fullmatch", "_REFERENCE": "match", "_MARK": "search"},
        }.items()
    },
    "os2cli.snapshots.context.secret_tokens._matches": [
        Expression(form.reason, re.compile(form.pattern, re.MULTILINE), FIND)
        for form in token_forms.FORMS
    ],
}


def too_slow(apply: Callable[[str], object], pattern: re.Pattern[Any]) -> str | None:
    """Return the beginning of a text that takes too long, if there is one."""
    for size in SIZES:
        for text in hostile_texts(pattern, size):
            if min_seconds(apply, text) > SECONDS:
                return f"{len(text)} characters {text[:40]!r}…{text[-4:]!r}"
    return None


def min_seconds(apply: Callable[[Any], object], text: Any) -> float:
    """Return the least CPU time of some attempts: other processes may disturb one."""
    least = float("inf")
    for _ in range(ATTEMPTS):
        began = time.thread_time()
        apply(text)
        least = min(least, time.thread_time() - began)
        if least <= SECONDS:
            break
    return least


def check(found: Iterable[Expression]) -> None:
    slow = {
        each.where: text
        for each in found
        for apply in each.applications()
        if (text := too_slow(apply, each.pattern)) is not None
    }
    assert slow == {}


def test_expressions_of_all_modules_take_a_linear_time() -> None:
    found = {
        (each.pattern, each.methods): each for module in MODULES for each in expressions(module)
    }
    assert len(found) > 100
    check(found.values())


def test_expressions_written_from_parts_take_a_linear_time() -> None:
    assert set().union(*map(built, MODULES)) == set(BUILT)
    check({each.pattern: each for group in BUILT.values() for each in group}.values())


# What stands before, what is repeated and what follows.
FUNCTIONS: list[tuple[Callable[[str], object], str, str, str]] = [
    (plain_line, "", " ", "\x01"),
    (plain_line, "", "\n", "\x01a"),
    (plain_text, "", "\x1b]", ""),
    (plain_text, "", "\r", "a\x01"),
    (mask_userinfo, "", "://a:", ""),
    (mask_address, "", "://?", ""),
    (mask_address, "", "://", "@"),
    (mask_address, "", ":", ""),
    (mask_tokens, "", "é", ""),
    (flags, "", "--mount=a ", ""),
    (flags, "", '--a="', ""),
    (pull_failure, "", "unexpected status ", " 401"),
    (lambda text: token_in(text.encode()), "-----BEGIN PRIVATE KEY-----\n", "A: b\n", ""),
    (lambda text: token_in(text.encode()), "", "-----BEGIN PRIVATE KEY-----\n", ""),
    (lambda text: secret_files.is_secret_setting(text.encode()), "", "token = ", ""),
]


@pytest.mark.parametrize(("function", "before", "repeated", "after"), FUNCTIONS)
def test_functions_read_200_kb_in_a_moment(
    function: Callable[[str], object], before: str, repeated: str, after: str
) -> None:
    for size in (100, 5_000, 200_000):
        text = before + repeated * (size // len(repeated)) + after
        began = time.thread_time()
        function(text)
        assert time.thread_time() - began < 0.5, f"{len(text)} characters"
