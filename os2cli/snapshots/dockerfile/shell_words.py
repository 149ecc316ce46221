r"""The words of one line of a Dockerfile.

Docker reads a word in two steps: ``split_words`` cuts it out of its line and keeps quotes;
``expansion.resolved`` resolves quotes, escapes and variables. ``quoted`` reverses both.
``escape`` is the current escape character, ``\`` or a backtick.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

# Go's unicode.IsSpace: unlike Python's it leaves out the separators U+001C to U+001F.
SPACE = (
    "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)


def split_words(line: str, escape: str) -> Iterator[re.Match[str]]:
    """Return an iterator of the words of a line, as matches; quotes and escapes are kept."""
    return _word(escape).finditer(line)


def quoted(value: str, escape: str) -> str:
    """Return a word that means exactly ``value``, which must not hold a line break."""
    escaped = re.sub(rf'["${re.escape(escape)}]', lambda match: escape + match[0], value)
    return f'"{escaped}"'


def exec_form(value: str) -> tuple[str, ...] | None:
    """Return the arguments in a JSON array of strings; None for any other value.

    Text after the array is ignored, as older builders do.
    """
    try:
        arguments, _ = json.JSONDecoder().raw_decode(value.lstrip(SPACE))
    except (ValueError, RecursionError):
        return None
    if isinstance(arguments, list) and all(isinstance(word, str) for word in arguments):
        return tuple(arguments)
    return None


@cache
def _word(escape: str) -> re.Pattern[str]:
    sign = re.escape(escape)
    return re.compile(
        rf"(?:{sign}(?:.|\Z)"
        rf'|"[^"{sign}]*+(?:{sign}.[^"{sign}]*+)*(?:"|{sign}?\Z)'
        rf"|'[^']*+(?:'|\Z)"
        rf"|[^{SPACE}])+",
        re.DOTALL,
    )
