"""Two readings of Docker's rules for ignore files, each written from what Docker documents.

They share nothing with os2: patterns are matched here by trying every way, name by name. They know
``*``, ``?``, ``**`` and ``!``; patterns with other signs have tests of their own.

https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

Rules = list[tuple[bool, list[str]]]


def rules_of(text: str) -> Rules:
    """``(negated, names)`` of each line; a leading and a trailing slash mean nothing."""
    lines = [line.strip() for line in text.splitlines()]
    return [
        (line.startswith("!"), [name for name in line.removeprefix("!").split("/") if name])
        for line in lines
        if line
    ]


def matches(pattern: list[str], names: list[str]) -> bool:
    """``**`` stands for any number of directories, and at the end for all that is below one."""
    if not pattern:
        return not names
    first, *others = pattern
    if first == "**":
        if not others:
            return bool(names)
        return any(matches(others, names[count:]) for count in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], first) and matches(others, names[1:])


def from_the_top(path: str) -> Iterator[list[str]]:
    """The directories above a path, the outermost first, and the path."""
    names = path.split("/")
    for count in range(1, len(names) + 1):
        yield names[:count]


def excluded_as_documented(text: str, path: str) -> bool:
    """The last line that matches decides; one that matches a directory matches what is below."""
    excluded = False
    for negated, pattern in rules_of(text):
        if any(matches(pattern, names) for names in from_the_top(path)):
            excluded = not negated
    return excluded


@dataclass
class Walk:
    """A walk from the top, as BuildKit's: at each directory it notes which rules took effect.

    A rule takes effect where it matches and changes the verdict, and then below as well.
    """

    rules: Rules

    def excluded(self, path: str) -> bool:
        noted = [False] * len(self.rules)
        excluded = False
        for names in from_the_top(path):
            excluded = False
            for number, (negated, pattern) in enumerate(self.rules):
                changes = negated == excluded and matches(pattern, names)
                noted[number] = noted[number] or changes
                if noted[number]:
                    excluded = not negated
        return excluded


def excluded_on_a_walk(text: str, path: str) -> bool:
    return Walk(rules_of(text)).excluded(path)


def is_left_out(text: str, path: str) -> bool:
    """Whether either reading leaves a path out."""
    return excluded_as_documented(text, path) or excluded_on_a_walk(text, path)
