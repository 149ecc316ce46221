r"""What a word of a Dockerfile means: without quotes and escapes, and with values for variables.

Supports what BuildKit does: ``$X``, ``${X}``, and the latter with ``-``, ``+`` and ``?`` (also
behind a ``:``), ``#``, ``##``, ``%``, ``%%``, ``/`` and ``//``. Where BuildKit reports an error, as
of a quote that does not end, the rest is read as if it did.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from os2cli.core.errors import UsageError
from os2cli.snapshots.dockerfile.globs import Glob

# `ARG b=$a$a`, `ARG c=$b$b`, … doubles with every line.
MAX_CHARACTERS = 100_000
_MAX_DEPTH = 100
_NAME = re.compile(r"\d+|\w+|[@*#?\-$!]", re.ASCII)


def resolved(word: str, escape: str, variables: Mapping[str, str] | None = None) -> str:
    """Return what a word means; unknown variables are empty.

    ``escape`` is the current escape character. Without ``variables``, a ``$`` stays.

    Raises:
        UsageError: the word stands for more than ``MAX_CHARACTERS``, or has variables within
            variables without end (``dockerfile_invalid``).
    """
    return _Words(word, escape, variables).until("")


@dataclass(frozen=True, slots=True)
class Gaps:
    """What a word lacks.

    ``empty`` are its variables that stand for nothing. ``required`` are those with a ``?`` that
    have no value, each with its message. ``is_open``: a brace does not end.
    """

    empty: tuple[str, ...]
    required: tuple[tuple[str, str], ...]
    is_open: bool


def gaps(word: str, escape: str, variables: Mapping[str, str]) -> Gaps:
    """Return what a word lacks; raises as ``resolved``."""
    words = _Words(word, escape, variables)
    words.until("")
    return Gaps(tuple(words.empty), tuple(words.required), words.is_open)


class _Words:
    """A text that is read from its start to its end, and what it lacked."""

    def __init__(self, text: str, escape: str, variables: Mapping[str, str] | None) -> None:
        self._text = text
        self._at = 0
        self._escape = escape
        self._variables = variables
        self._depth = 0
        self.empty: list[str] = []
        self.required: list[tuple[str, str]] = []
        self.is_open = False

    def until(self, stop: str, *, escapes: bool = True) -> str:
        """Return what stands before ``stop``, and pass that; keep escapes unless ``escapes``."""
        kept: list[str] = []
        size = 0
        while (sign := self._next()) and sign != stop:
            if sign == "'":
                part = self._single_quoted()
            elif sign == '"':
                part = self._double_quoted()
            elif sign == "$":
                part = self._variable()
            elif sign == self._escape:
                part = ("" if escapes else sign) + self._next()
            else:
                part = sign
            kept.append(part)
            size += len(part)
            _limit(size)
        self.is_open |= sign != stop
        return "".join(kept)

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._at)
        end = len(self._text) if end < 0 else end
        part, self._at = self._text[self._at : end], end + 1
        return part

    def _double_quoted(self) -> str:
        kept: list[str] = []
        size = 0
        while (sign := self._next()) and sign != '"':
            part = sign
            if sign == "$":
                part = self._variable()
            elif sign == self._escape:
                after = self._next()
                part = after if after in ('"', "$", self._escape) else sign + after
            kept.append(part)
            size += len(part)
            _limit(size)
        return "".join(kept)

    def _variable(self) -> str:
        if self._variables is None:
            return "$"
        if self._text[self._at : self._at + 1] != "{":
            name = self._name()
            return self._noted(name, self._variables.get(name, "")) if name else "$"
        self._at += 1
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _too_much("has variables within variables, more than 100 deep")
        name = self._name()
        value = self._braced(name, self._variables.get(name))
        self._depth -= 1
        return self._noted(name, value)

    def _noted(self, name: str, value: str) -> str:
        if not value:
            self.empty.append(name)
        return value

    def _braced(self, name: str, value: str | None) -> str:
        how = self._next()
        if how == ":":
            value = value or None
            how = self._next()
        if how == "-":
            other = self.until("}")
            return other if value is None else value
        if how == "+":
            other = self.until("}")
            return "" if value is None else other
        if how and how in "#%":
            return self._cut(value or "", how)
        if how == "/":
            return self._replaced(value or "")
        if how != "}":
            message = self.until("}")
            if how == "?" and value is None:
                self.required.append((name, message))
        return value or ""

    def _cut(self, value: str, how: str) -> str:
        longest = self._takes(how)
        glob = Glob(self.until("}", escapes=False), reverse=how == "%")
        return glob.cut(value, longest=longest)

    def _replaced(self, value: str) -> str:
        every = self._takes("/")
        glob = Glob(self.until("/", escapes=False))
        return glob.replace(value, self.until("}"), every=every)

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _takes(self, sign: str) -> bool:
        """Pass a character if it comes next."""
        there = self._text[self._at : self._at + 1] == sign
        self._at += there
        return there

    def _next(self) -> str:
        """Return the next character and pass it; at the end, nothing."""
        sign = self._text[self._at : self._at + 1]
        self._at += 1
        return sign


def _limit(size: int) -> None:
    """Refuse what grows beyond the limit, before it fills the memory."""
    if size > MAX_CHARACTERS:
        raise _too_much(f"stands for more than {MAX_CHARACTERS:,} characters")


def _too_much(what: str) -> UsageError:
    return UsageError(
        f"a word of the Dockerfile {what}",
        hint="write shorter defaults of ARG",
        code="dockerfile_invalid",
    )
