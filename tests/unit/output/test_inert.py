"""What os2 prints with a text from elsewhere is inert, and JSON stays exact."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import OperationFailed
from os2cli.core.plain_text import plain_json, plain_line
from os2cli.output import Output
from os2cli.output.documents.document import Document
from os2cli.output.documents.encoding import to_json
from os2cli.output.json_progress import JsonProgress
from os2cli.output.progress import PlainProgress
from os2cli.settings.invocation import Invocation, ProgressMode

SPECIAL = "\x1b\x9b\x9d\x90\x9c\x07[]();0m\r\n\t\x00\x7f\x85\u2028\u202e\u2066\u200f\u061c- a"
TEXTS = st.text(st.characters() | st.sampled_from(SPECIAL), max_size=40)
BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def obeyed(text: str) -> list[str]:
    """Return the characters that a terminal obeys, or that reorder or break a line."""
    return [
        char
        for char in text
        if char != "\n"
        and (
            unicodedata.category(char) in ("Cc", "Zl", "Zp")
            or unicodedata.bidirectional(char) in BIDI
            or char in "\u200e\u200f\u061c"
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing(Document):
    """A document."""

    name: str


Write = Callable[[Output, str], None]
# What is written with a text, and in how many lines.
WRITERS: dict[str, tuple[Write, int]] = {
    "line": (lambda output, text: output.line(text), 1),
    "note": (lambda output, text: output.note(text), 1),
    "waiting": (lambda output, text: output.waiting(text), 1),
    "warn": (lambda output, text: output.warn(text, f"x{text}"), 2),
    "parts": (lambda output, text: output.parts(text, (text, "bold")), 1),
    "hanging": (lambda output, text: output.hanging((text,), text), 1),
    "table": (lambda output, text: output.table((text, "B"), [(text, text), ("c", text)]), 3),
    "error": (lambda output, text: output.error(failure(text)), 4),
    "result": (lambda output, text: output.result(Thing(name=text), lambda: None), 0),
}


def failure(text: str) -> OperationFailed:
    return OperationFailed(text, hint=f"x{text}", log_tail=(text, text))


def written(write: Write, text: str, invocation: Invocation) -> str:
    stdout, stderr = io.StringIO(), io.StringIO()
    write(Output(invocation, {}, stdout, stderr), text)
    return stdout.getvalue() + stderr.getvalue()


@pytest.mark.parametrize("writer", WRITERS)
@given(TEXTS)
def test_text_in_a_pipe(writer: str, text: str) -> None:
    write, lines = WRITERS[writer]
    shown = written(write, text, Invocation())
    assert obeyed(shown) == []
    assert shown.count("\n") == lines


@pytest.mark.parametrize("writer", WRITERS)
@given(TEXTS)
def test_json_is_inert_and_exact(writer: str, text: str) -> None:
    write, _ = WRITERS[writer]
    shown = written(write, text, Invocation(json=True, progress=ProgressMode.JSON))
    if writer not in ("line", "parts", "hanging", "table"):
        assert obeyed(shown) == []
        shown.encode()  # also half a surrogate pair
    if writer == "result":
        assert json.loads(shown)["name"] == text


@given(TEXTS)
def test_a_name_that_scripts_would_misread_is_left_out(text: str) -> None:
    stdout, stderr = io.StringIO(), io.StringIO()
    output = Output(Invocation(quiet=True), {}, stdout, stderr)
    output.result(Thing(name=text), lambda: None, names=[text])
    names = stdout.getvalue().splitlines()
    assert names in ([], [text])
    assert not any(name.startswith("-") for name in names)
    assert bool(names) is not bool(stderr.getvalue())
    assert obeyed(stderr.getvalue()) == []


PROGRESS: dict[str, Callable[[PlainProgress | JsonProgress, str], None]] = {
    "log": lambda progress, text: progress.log(text),
    "notice": lambda progress, text: progress.notice(text),
    "warn": lambda progress, text: progress.warn(text),
    "status": lambda progress, text: progress.status(f"[1/2] {text}"),
}


@pytest.mark.parametrize("event", PROGRESS)
@given(TEXTS)
def test_progress(event: str, text: str) -> None:
    for make in (lambda s: PlainProgress(s, verbose=True, quiet=False), JsonProgress):
        stream = io.StringIO()
        PROGRESS[event](make(stream), text)
        assert obeyed(stream.getvalue()) == []
        assert stream.getvalue().count("\n") == 1


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_a_document_reads_as_it_was(value: object) -> None:
    text = to_json(value)
    assert obeyed(text) == []
    assert json.loads(text) == value
    assert plain_json(text) == text


@given(TEXTS)
def test_a_line_is_one_line_and_stays_so(text: str) -> None:
    line = plain_line(text)
    assert obeyed(line) == []
    assert "\n" not in line
    assert plain_line(line) == line
