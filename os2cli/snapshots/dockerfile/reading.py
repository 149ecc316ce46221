"""A Dockerfile's text as instructions, each with its lines and characters."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.flags import without_flags
from os2cli.snapshots.dockerfile.shell_words import SPACE, exec_form, split_words

_BYTE_ORDER_MARK = "\ufeff"
_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+)", re.ASCII)
_DIRECTIVES = frozenset({"syntax", "escape", "check"})
_COMMAND = re.compile(rf"[{SPACE}]*(?P<keyword>[^\t\v\f\r ]+)[\t\v\f\r ]*(?P<value>.*)", re.DOTALL)
_HERE_DOCUMENT = re.compile(r"\d*<<(?P<chomp>-?)(?P<name>[^<]+)")
_WITH_HERE_DOCUMENTS = frozenset({"ADD", "COPY", "RUN"})


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    ``keyword`` is in upper case. ``value`` is the rest, flags included, on one line: without line
    breaks, comments and the contents of here-documents. ``first`` and ``last`` are the indices of
    its lines, from 0, both included.
    """

    keyword: str
    value: str
    first: int
    last: int
    with_here_documents: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """What one line of the text adds to an instruction, and its offset in the text.

    The escape character follows a ``continued`` one.
    """

    offset: int
    text: str
    continued: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """An instruction and its pieces; its value begins at ``start`` of the joined pieces.

    ``ends`` are where each piece ends in them.
    """

    instruction: Instruction
    pieces: tuple[Piece, ...]
    start: int
    ends: tuple[int, ...]

    def offset(self, index: int) -> int:
        """Return the offset in the text of the value's character at ``index``."""
        index += self.start
        number = bisect_right(self.ends, index)
        piece = self.pieces[number]
        return piece.offset + len(piece.text) - (self.ends[number] - index)


@dataclass(frozen=True, slots=True)
class Reading:
    """A parsed text.

    ``syntax`` is the image of the frontend that the text asks for, empty for the builder's own, in
    the line of index ``syntax_line``.
    ``dangling`` are the offsets of escape characters that continue nothing, the last one first.
    """

    escape: str
    syntax: str
    syntax_line: int
    statements: tuple[Statement, ...]
    dangling: tuple[int, ...]

    @property
    def instructions(self) -> list[Instruction]:
        """The instructions without the offsets of their characters."""
        return [statement.instruction for statement in self.statements]


def instructions(text: str) -> list[Instruction]:
    """Return the instructions in their order, also of a text that Docker would reject."""
    return read(text).instructions


def read(text: str) -> Reading:
    """Parse a text."""
    lines = list(_lines(text))
    directives = _directives(lines)
    _, escape = directives.get("escape", (0, "\\"))
    syntax_line, syntax = directives.get("syntax", (0, ""))
    here_documents = _HereDocuments(lines)
    statements = []
    pieces: tuple[Piece, ...] = ()
    number = 0
    while number < len(lines):
        first = number
        pieces, number = _pieces(lines, first, escape)
        line = "".join(piece.text for piece in pieces)
        command = _COMMAND.match(line)
        if command is not None:
            keyword, value = command["keyword"].upper(), command["value"].strip(SPACE)
            after, number = number, here_documents.end(number, command)
            instruction = Instruction(keyword, value, first, number - 1, number > after)
            ends = tuple(accumulate(len(piece.text) for piece in pieces))
            statements.append(Statement(instruction, pieces, _start(command), ends))
    image = frontend_image(syntax)
    return Reading(escape, image, syntax_line, tuple(statements), _dangling(pieces))


def frontend_image(syntax: str) -> str:
    """Return the image in a frontend's name, which may have options behind it."""
    return syntax.strip().partition(" ")[0]


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset of each line, and the line without its end and a byte order mark."""
    offset = 0
    for line in text.split("\n"):
        mark = offset == 0 and line.startswith(_BYTE_ORDER_MARK)
        yield offset + mark, line[mark:].rstrip("\r")
        offset += len(line) + 1


def _directives(lines: list[tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """Return the directives' line indices and values by name; the first other line ends them."""
    directives: dict[str, tuple[int, str]] = {}
    for number, (_, line) in enumerate(lines):
        directive = _DIRECTIVE.fullmatch(line.lstrip(SPACE))
        name = directive[1].lower() if directive else ""
        if directive is None or name not in _DIRECTIVES:
            # Only the search for a frontend goes on after a script's first line.
            if number == 0 and line.startswith("#!"):
                line_below, syntax = _directives(lines[1:]).get("syntax", (0, ""))
                return {"syntax": (line_below + 1, syntax)}
            break
        value = directive[2].strip()
        if name != "escape" or value in ("`", "\\"):
            directives.setdefault(name, (number, value))
    return directives


def _pieces(
    lines: list[tuple[int, str]], number: int, escape: str
) -> tuple[tuple[Piece, ...], int]:
    """Return the pieces of the instruction that begins with line ``number``, and the line after it.

    Comments and blank lines are skipped.
    """
    offset, line = lines[number]
    indent = len(line) - len(line.lstrip(SPACE))
    number += 1
    if _is_passed_over(line):
        return (), number
    pieces = [_piece(offset + indent, line[indent:], escape)]
    while pieces[-1].continued and number < len(lines):
        offset, line = lines[number]
        number += 1
        if not _is_passed_over(line):
            pieces.append(_piece(offset, line, escape))
    return tuple(pieces), number


def _is_passed_over(line: str) -> bool:
    text = line.lstrip(SPACE)
    return not text or text.startswith("#")


def _piece(offset: int, line: str, escape: str) -> Piece:
    text = line.rstrip("\t ")
    # An escaped escape character continues nothing.
    continued = text.endswith(escape) and not text.endswith(2 * escape)
    return Piece(offset, text[:-1] if continued else line, continued)


def _start(command: re.Match[str]) -> int:
    value = command["value"]
    return command.start("value") + len(value) - len(value.lstrip(SPACE))


class _HereDocuments:
    """Where the here-documents of a text end; each line is looked at once, not for each of them."""

    def __init__(self, lines: list[tuple[int, str]]) -> None:
        self._lines = lines
        self._numbers: dict[tuple[bool, str], list[int]] = {}

    def end(self, number: int, command: re.Match[str]) -> int:
        """Return the line after the here-documents of an instruction, else ``number``."""
        if "<<" not in command["value"] or not _may_have_here_documents(command):
            return number
        after = number
        for chomp, name in _here_documents(command["value"]):
            numbers = self._all().get((chomp, name), [])
            index = bisect_left(numbers, after)
            if index == len(numbers):
                return number
            after = numbers[index] + 1
        return after

    def _all(self) -> dict[tuple[bool, str], list[int]]:
        """Return the numbers of lines by their text, and by their text without leading tabs."""
        if not self._numbers:
            for number, (_, line) in enumerate(self._lines):
                self._numbers.setdefault((False, line), []).append(number)
                self._numbers.setdefault((True, line.lstrip("\t")), []).append(number)
        return self._numbers


def _may_have_here_documents(command: re.Match[str]) -> bool:
    trigger = _COMMAND.match(command["value"]) if command["keyword"].upper() == "ONBUILD" else None
    keyword, value = (trigger or command).group("keyword", "value")
    return keyword.upper() in _WITH_HERE_DOCUMENTS and exec_form(without_flags(value)) is None


def _here_documents(value: str) -> Iterator[tuple[bool, str]]:
    """Yield, for each here-document, whether leading tabs are removed and the line that ends it."""
    # Here a backslash escapes, even if a directive changes the escape character.
    for word in split_words(value, "\\"):
        start = _HERE_DOCUMENT.fullmatch(word[0])
        name = resolved(start["name"], "\\") if start else ""
        if start and name:
            yield bool(start["chomp"]), name


def _dangling(pieces: tuple[Piece, ...]) -> tuple[int, ...]:
    """Return the offsets of escape characters at the end of the text, the last one first."""
    offsets: list[int] = []
    for piece in reversed(pieces):
        if not piece.continued:
            break
        offsets.append(piece.offset + len(piece.text))
        if piece.text.strip(SPACE):
            break
    return tuple(offsets)
