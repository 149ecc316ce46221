"""Dockerfiles of a hostile repository: none freezes the parser, fills memory or breaks the stack.

Each text is large in one way. Time is that of the processor, and far above what it takes.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import pytest

from os2cli.core.errors import UsageError
from os2cli.providers.daytona.dockerfile import (
    check,
    entrypoint,
    instructions,
    with_arguments,
    with_plain_entrypoint,
)

SECONDS = 5.0
MANY = 4_000
HEAD, TAIL = "FROM x\n", '\nENTRYPOINT ["a"]\n'

# The parts that a text may be full of, and what may follow each of them.
REPEATED = [
    "RUN <<{n}\n",
    "RUN <<A\n",
    "RUN <<A <<B <<{n}\n",
    "RUN <<-'A'\n\tA\n",
    "ONBUILD RUN <<A\n",
    "ARG a{n}=$a{n}\n",
    "ARG X\n",
    "ARG X=1 \\\n",
    "ARG X \\\n\\\n",
    "X=1 \\\n",
    "ENV ${{a:-",
    'CMD "$',
    "${{a:-",
    "$a",
    '"',
    "'",
    "\\",
    "\\ ",
    "\\\n",
    "\\ \\\n",
    "`\n",
    "#\n",
    "# escape=\n",
    "--a ",
    "--",
    "[",
    '["',
    "{{",
    '{{"a":',
    "<<",
    "<<A ",
    "\n",
    " ",
    "\t",
    "\u00a0",
    "\r",
    "ENTRYPOINT\n",
    "ENTRYPOINT ",
    'CMD ["a"]\n',
    "SHELL [\n",
    "FROM x AS y{n}\n",
    "FROM y{n}\n",
    "9",
    "é",
    "\0",
]
STARTS = ["", "# escape=", "ARG a=", "CMD ["]


ENTRIES: tuple[Callable[[str], object], ...] = (
    instructions,
    check,
    entrypoint,
    with_plain_entrypoint,
    lambda text: with_arguments(text, {"X": "1", "a1": "$x"}),
)


@pytest.mark.parametrize("repeated", REPEATED)
def test_no_text_freezes_the_parser(repeated: str) -> None:
    middle = "".join(repeated.format(n=number) for number in range(MANY))
    for number, start in enumerate(STARTS):
        text = start + middle if number else HEAD + middle + TAIL
        began = time.process_time()
        # Each text meets two of the parser's uses, and each use meets every part.
        for entry in (ENTRIES[number + 1], with_plain_entrypoint):
            with suppress(UsageError):
                entry(text)
        assert time.process_time() - began < SECONDS, start


@pytest.mark.parametrize(
    "form", ["$a{b}$a{b}", "${{a{b}}}x${{a{b}}}", '"$a{b}$a{b}"', "${{z:-$a{b}$a{b}}}"]
)
@pytest.mark.parametrize("lines", [40, 3000])
def test_arguments_that_double_do_not_fill_the_memory(form: str, lines: int) -> None:
    text = "ARG a0=xxxxxxxx\n"
    text += "".join(f"ARG a{n}={form.format(b=n - 1)}\n" for n in range(1, lines))
    text += f"FROM $a{lines - 1}\nENTRYPOINT x\n"
    tracemalloc.start()
    try:
        with pytest.raises(UsageError, match="stands for more than"):
            with_plain_entrypoint(text)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("keyword", ["CMD", "ENTRYPOINT", "SHELL", "RUN <<A"])
@pytest.mark.parametrize("sign", ["[", '{"a":', '["a",', "[[],"])
@pytest.mark.parametrize("depth", [500, 5_000, 100_000])
def test_nested_json_is_not_the_exec_form(keyword: str, sign: str, depth: int) -> None:
    text = f"FROM x\n{keyword} {sign * depth}\nENTRYPOINT a\n"
    for entry in ENTRIES:
        with suppress(UsageError):
            entry(text)
