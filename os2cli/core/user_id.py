"""Whether a text identifies one user.

Programs write ``None`` or ``undefined`` where they have no id: everyone without an id would become
one user. An address of a person is not an internal id and stays on this host.
"""

from __future__ import annotations

import re
import unicodedata

# What languages, databases and the ids that PostHog itself ignores have for no user.
_PLACEHOLDERS = frozenset(
    {
        *("anonymous", "distinct_id", "distinctid", "email", "false", "guest", "id", "n/a", "na"),
        *("nan", "nil", "none", "not_authenticated", "null", "object object", "true"),
        *("undefined", "unknown"),
    }
)
# Zero in each notation, and the UUIDs of RFC 9562 with no bit and with every bit set.
_ZERO = re.compile(r"[-+]?(?:0x)?[0.,_-]*", re.ASCII)
_MAX_UUID = re.compile(r"f{8}-?(?:f{4}-?){3}f{12}", re.ASCII)
# Without "@", "%" and "&": no address, and no encoded one.
_INTERNAL = re.compile(r"[A-Za-z0-9][\w.|:+-]{0,127}", re.ASCII)


def is_user_id(text: str) -> bool:
    """Return whether the text is an internal id of one user."""
    return bool(_INTERNAL.fullmatch(text)) and not is_placeholder(text)


def is_placeholder(text: str) -> bool:
    """Return whether the text stands for no user, alone or behind a prefix as in ``auth0|null``."""
    last = re.split(r"[|:]", text)[-1]
    return any(_is_empty(_plain(part)) for part in (text, last))


def _plain(text: str) -> str:
    """Return lowercase text without the quotes, brackets and invisible characters around it."""
    letters = unicodedata.normalize("NFKC", text).casefold()
    visible = "".join(each for each in letters if unicodedata.category(each)[0] != "C")
    return " ".join(visible.split()).strip(" \"'`<>[](){}")


def _is_empty(text: str) -> bool:
    return text in _PLACEHOLDERS or bool(_ZERO.fullmatch(text) or _MAX_UUID.fullmatch(text))
