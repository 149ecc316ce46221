r"""The words of one line of a Dockerfile: quotes, escapes and variables.

Docker reads a word in two steps: ``split_words`` cuts it out of its line and keeps quotes;
``resolved`` resolves quotes, escapes and variables. ``quoted`` reverses both.
``escape`` is the current escape character, ``\`` or a backtick.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from os2cli.core.errors import UsageError

# Go's unicode.IsSpace: unlike Python's it leaves out the separators U+001C to U+001F.
SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)

# A default has a limit: without a `}`, each `${X:-` would look for one to the end of the text.
_VARIABLE = r"\$(?:\{(?P<braced>\w++)(?:(?P<how>:?[-+])(?P<other>[^}]{0,4096}+))?\}|(?P<bare>\w+))"
# `ARG b=$a$a`, `ARG c=$b$b`, … doubles with every line.
MAX_CHARACTERS = 100_000


def split_words(line: str, escape: str) -> Iterator[re.Match[str]]:
    """Return an iterator of the words of a line, as matches; quotes and escapes are kept."""
    return _word(escape).finditer(line)


def resolved(word: str, escape: str, variables: Mapping[str, str] | None = None) -> str:
    """Return what a word means; unknown variables are empty.

    Raises ``UsageError`` for a word that stands for more than ``MAX_CHARACTERS``.

    Supports ``$X``, ``${X}`` and the latter with ``-``, ``:-``, ``+`` and ``:+``. Without
    ``variables``, a ``$`` stays.
    """
    return _joined(_parts(word, escape, variables))


def quoted(value: str, escape: str) -> str:
    """Return a word that means exactly ``value``, which must not hold a line break."""
    escaped = re.sub(rf'["${re.escape(escape)}]', lambda match: escape + match[0], value)
    return f'"{escaped}"'


def _parts(word: str, escape: str, variables: Mapping[str, str] | None) -> Iterator[str]:
    for found in _part(escape).finditer(word):
        if found["double"] is not None:
            yield from _inside_double_quotes(found["double"], escape, variables)
        elif found["single"] is not None:
            yield found["single"]
        elif found["escaped"] is not None:
            yield found["escaped"]
        else:
            yield _variable(found, escape, variables)


def _inside_double_quotes(
    text: str, escape: str, variables: Mapping[str, str] | None
) -> Iterator[str]:
    for found in _double_quoted_part(escape).finditer(text):
        escaped = found["escaped"]
        yield escaped if escaped is not None else _variable(found, escape, variables)


def _joined(parts: Iterable[str]) -> str:
    """Join parts up to the limit, before they fill the memory."""
    kept, size = [], 0
    for part in parts:
        kept.append(part)
        size += len(part)
        if size > MAX_CHARACTERS:
            raise UsageError(
                f"a word of the Dockerfile stands for more than {MAX_CHARACTERS:,} characters",
                hint="write shorter defaults of ARG",
                code="dockerfile_invalid",
            )
    return "".join(kept)


def _variable(found: re.Match[str], escape: str, variables: Mapping[str, str] | None) -> str:
    name = found["braced"] or found["bare"]
    if name is None or variables is None:
        return found[0]
    known = variables.get(name)
    how, other = found["how"], found["other"]
    if how is None:
        return known or ""
    there = bool(known) if how.startswith(":") else known is not None
    if how.endswith("-"):
        return known or "" if there else resolved(other, escape, variables)
    return resolved(other, escape, variables) if there else ""


@cache
def _word(escape: str) -> re.Pattern[str]:
    sign = re.escape(escape)
    return re.compile(
        rf"(?:{sign}(?:.|\Z)"
        rf'|"(?:{sign}.|[^"{sign}])*+(?:"|{sign}?\Z)'
        rf"|'[^']*+(?:'|\Z)"
        rf"|[^{SPACE}])++",
        re.DOTALL,
    )


@cache
def _part(escape: str) -> re.Pattern[str]:
    sign = re.escape(escape)
    return re.compile(
        rf'"(?P<double>(?:{sign}.|[^"{sign}])*+)"?'
        rf"|'(?P<single>[^']*+)'?"
        rf"|{sign}(?P<escaped>.?)"
        rf"|{_VARIABLE}|.",
        re.DOTALL,
    )


@cache
def _double_quoted_part(escape: str) -> re.Pattern[str]:
    sign = re.escape(escape)
    return re.compile(rf'{sign}(?P<escaped>["${sign}])|{_VARIABLE}|.', re.DOTALL)
