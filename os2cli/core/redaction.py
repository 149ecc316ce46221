"""Remove private data from texts that leave this host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

HIDDEN = "•••"
# Messages hold text of any length from elsewhere: each expression looks at a character only a few
# times. A word up to its last @, and in it a login. A password may contain an unencoded @ and,
# unlike what follows a port, a slash.
_TO_LAST_AT = re.compile(r"(?<!\S)\S*@")
_USERINFO = re.compile(r"(?<=://)(?:[^\s/:@]++:(?!\d{1,5}/).*|[^\s/]*@)", re.DOTALL)
# Of an address, such as a setting's. Without a scheme, an email address has an @ as well.
_LOGIN = re.compile(r"\A(?:((?>.*?://)).*|(?!.*://)[^@/:]*+:.*)@", re.DOTALL)
# A query with an @, or a password with a question mark: behind the first :// after an @.
_UNCLEAR = re.compile(r"(?<![^@])((?:[^@:]|:(?!//))*://)[^@?#]*+[?#][^@]*+@.*", re.DOTALL)
_QUERY = re.compile(r"\A((?>.*?://)[^?#]*+[?#]).+", re.DOTALL)
# A run of letters and digits as long as a token, and not a word.
_TOKEN = re.compile(r"(?<![A-Za-z0-9_])(?=[A-Za-z_]*+[0-9])(?=[0-9_]*+[A-Za-z])[A-Za-z0-9_]{20,}")
_VARIABLE = re.compile(r"[A-Z]{1,20}[0-9]{0,2}(?:[_.-][A-Z]{0,20}[0-9]{0,2})*")
_MAX_VARIABLE = 48
# In a secret file: what stands between names, addresses and tokens.
_BETWEEN = re.compile(r"""[\s"'=:,;@]+""")
# Shorter ones would hide half a log, and hardly hold a secret: brackets, numbers.
_MIN_LENGTH, _MIN_WORD_LENGTH = 3, 8
_ANONYMOUS = frozenset({"", "root", "localhost", "unknown"})


def mask_userinfo(text: str) -> str:
    """Hide the part before the @ in URLs."""
    return _TO_LAST_AT.sub(lambda word: _USERINFO.sub(f"{HIDDEN}@", word[0]), text)


def mask_address(value: str) -> str:
    """Hide the login and the query of a value that is an address as a whole."""
    if _UNCLEAR.search(value):
        return _UNCLEAR.sub(rf"\1{HIDDEN}", value)
    return _QUERY.sub(rf"\1{HIDDEN}", _LOGIN.sub(rf"\1{HIDDEN}@", value))


def mask_tokens(text: str) -> str:
    """Hide words that could be tokens: a command line's may stand where no value belongs."""
    return _TOKEN.sub(HIDDEN, text)


def masking(secrets: Iterable[bytes]) -> Callable[[str], str]:
    """Return a function that hides secrets in lines of a log.

    Of one with several lines, each is hidden, as are the values and tokens in them.
    """
    parts = {part for secret in secrets for part in _parts(secret.decode(errors="replace"))}
    longest_first = sorted(parts, key=len, reverse=True)

    def mask(text: str) -> str:
        for part in longest_first:
            text = text.replace(part, HIDDEN)
        return text

    return mask


def _parts(secret: str) -> Iterator[str]:
    for line in map(str.strip, secret.splitlines()):
        value = line.partition("=")[2].strip(" \t'\"")
        yield from (part for part in (line, value) if len(part) >= _MIN_LENGTH)
        for word in _BETWEEN.split(line):
            if len(word) >= _MIN_WORD_LENGTH and re.search(r"\d", word):
                yield word


def is_like_a_variable(text: str) -> bool:
    """Return whether a text is written as names of variables are, and hardly a pasted secret."""
    return len(text) <= _MAX_VARIABLE and _VARIABLE.fullmatch(text) is not None


def redact(text: str, home: Path, private: Mapping[str, str]) -> str:
    """Replace the home directory with ``~``, and hide users of URLs and private words.

    ``private`` maps words to their replacements. Only whole words match, and none that identifies
    no one, such as ``root``.
    """
    text = mask_userinfo(text)
    folder = str(home)
    if folder != home.anchor:
        text = re.sub(rf"{re.escape(folder)}(?![\w.-])", "~", text)
    for word, replacement in sorted(private.items(), key=lambda item: -len(item[0])):
        if word.lower() not in _ANONYMOUS:
            pattern = rf"(?<!\w){re.escape(word)}(?!\w)"
            text = re.sub(pattern, replacement, text, flags=re.IGNORECASE)
    return text
