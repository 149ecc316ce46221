"""Entrypoints in a Dockerfile; tests/e2e/test_dockerfile_oracle.py asks real builders."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.providers.daytona.dockerfile import (
    entrypoint,
    instructions,
    with_arguments,
    with_plain_entrypoint,
)
from tests.engine import ENTRYPOINT
from tests.unit.providers.daytona.dockerfile.texts import OURS, as_daytona_reads, read

WORDS = 'FROM |x| AS |$x|ARG |=|ENTRYPOINT |CMD |SHELL |["a"]|RUN <<E|E|# |escape=`'
SIGNS = "\n|\n|\r\n|\\|\\\n|`|\"|'| |\t"
ANY_TEXT = st.lists(st.sampled_from(f"{WORDS}|{SIGNS}".split("|")), max_size=40).map("".join)


class TestAnyText:
    @given(ANY_TEXT)
    def test_a_plain_entrypoint_is_the_same_and_stays(self, text: str) -> None:
        plain = with_plain_entrypoint(text)

        assert with_plain_entrypoint(plain) == plain
        assert (entrypoint(plain) is None) is (entrypoint(text) is None)
        if entrypoint(text) is not None and plain != text:
            assert json.loads(entrypoint(plain) or "") == as_daytona_reads(plain)
            assert read(plain)[: len(read(text))] == read(text)

    @given(ANY_TEXT)
    def test_an_argument_is_given_where_it_is_declared(self, text: str) -> None:
        text = f"{text}\nARG z\n\nARG x\n"
        with contextlib.suppress(UsageError):  # what comes before may have swallowed it
            changed = with_arguments(text, {"x": "a\\"})
            assert with_arguments(changed, {"x": "a\\"}) == changed
            assert len(instructions(changed)) == len(instructions(text))


class TestEntrypoint:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("FROM x\n", None),
            ("FROM x\nCMD a\n# ENTRYPOINT b\n", None),
            ('FROM x\nENTRYPOINT ["a", "b"]\n', '["a", "b"]'),
            ("FROM x\nentrypoint node  server.js\n", "node  server.js"),
            ('FROM x\nENTRYPOINT [ \\\n # no\n "a" ]\n', '[  "a" ]'),
            ("FROM x\nENTRYPOINT a\nENTRYPOINT b\n", "b"),
            ("FROM x\nENTRYPOINT a\nFROM y\n", None),
            ("FROM x\nENTRYPOINT a\nENTRYPOINT []\n", None),
            ("FROM x\nENTRYPOINT a\nENTRYPOINT [ ]\n", None),
            ("FROM x\nENTRYPOINT a\nENTRYPOINT\n", None),
            ("FROM x AS s\nENTRYPOINT a\nFROM s\n", "a"),
            ("FROM x as S\nENTRYPOINT a\nFROM y AS t\nFROM s AS u\nCMD b\nFROM u\n", "a"),
            ("FROM x AS s\nENTRYPOINT a\nFROM s\nENTRYPOINT []\n", None),
            ("FROM --platform=linux/amd64 x AS s\nENTRYPOINT a\nFROM --platform=$P s\n", "a"),
            ("FROM x\nENTRYPOINT a\nFROM s\n", None),
            ("FROM s\nFROM x AS s\nENTRYPOINT a\nFROM y\n", None),
            ("FROM s AS s\n", None),
            ("FROM x AS s\nENTRYPOINT a\nFROM y AS s\nENTRYPOINT b\nFROM s\n", "b"),
            ("ARG V=s\nFROM x AS s\nENTRYPOINT a\nFROM $V\n", "a"),
            ('ARG V=dev W="${V}-1"\nFROM x AS dev-1\nENTRYPOINT a\nFROM ${W}\n', "a"),
            ("FROM x AS s\nENTRYPOINT a\nFROM ${V:-s}\n", "a"),
            ("ARG V\nFROM x AS s\nENTRYPOINT a\nFROM ${V-s}\n", "a"),
            ("ARG V=1\nFROM x AS s\nENTRYPOINT a\nFROM ${V:+s}\n", "a"),
            ("ARG V=1\nFROM x AS s\nENTRYPOINT a\nARG V=s\nFROM $V\n", None),
            ("FROM x\nRUN <<E\nENTRYPOINT a\nE\n", None),
            ("", None),
        ],
    )
    def test_that_of_the_last_stage(self, text: str, value: str | None) -> None:
        assert entrypoint(text) == value

    def test_ours(self) -> None:
        assert json.loads(entrypoint(OURS) or "") == ENTRYPOINT


class TestPlainEntrypoint:
    @pytest.mark.parametrize(
        "text",
        [
            OURS,
            'FROM x\nENTRYPOINT ["a", "b"]\nCMD ["c"]\n',
            'FROM x\r\nENTRYPOINT\t[ "a","b" ]\t\r\n',
            'FROM x\n# ENTRYPOINT old\nENTRYPOINT ["a"]',
            'FROM x\nENTRYPOINT ["b"]\nFROM y AS s\nENTRYPOINT ["a"]\nFROM s\n',
            "FROM x\n# nothing here\n",
            "FROM x\nENTRYPOINT a\nFROM y\n",
            "FROM x\nENTRYPOINT a\nENTRYPOINT []\n",
        ],
    )
    def test_what_is_plain_already_is_unchanged(self, text: str) -> None:
        assert with_plain_entrypoint(text) == text

    @pytest.mark.parametrize(
        ("text", "added"),
        [
            ('FROM x\nENTRYPOINT ["a", \\\n  "b"]\n', 'ENTRYPOINT ["a", "b"]\n'),
            ('FROM x\nentrypoint ["a"]\n', 'ENTRYPOINT ["a"]\n'),
            ('FROM x\nENTRYPOINT ["a"] # why\n', 'ENTRYPOINT ["a"]\n'),
            ('FROM x\nENTRYPOINT ["a"]\n# the ENTRYPOINT is ours\n', 'ENTRYPOINT ["a"]\n'),
            ('FROM x\nENTRYPOINT ["a"]\n# Entrypoint ends', '\nENTRYPOINT ["a"]\n'),
            ('FROM x\nENTRYPOINT ["a"]\n# no ENTRYPOINT\n', '#\nENTRYPOINT ["a"]\n'),
            (
                'FROM x AS s\nENTRYPOINT ["a"]\nFROM y\nENTRYPOINT ["b"]\nFROM s\n',
                'ENTRYPOINT ["a"]\n',
            ),
            ("FROM x\nENTRYPOINT a  'b c'\n", 'ENTRYPOINT ["/bin/sh", "-c", "a  \'b c\'"]\n'),
            (
                'FROM x\nSHELL ["bash", "-lc"]\nENTRYPOINT a "é"\nSHELL ["zsh"]\n',
                'ENTRYPOINT ["bash", "-lc", "a \\"\\u00e9\\""]\n',
            ),
            ("FROM x\nENTRYPOINT ['a']\n", 'ENTRYPOINT ["/bin/sh", "-c", "[\'a\']"]\n'),
        ],
    )
    def test_what_is_not_is_added(self, text: str, added: str) -> None:
        assert with_plain_entrypoint(text) == text + added

    @pytest.mark.parametrize(
        ("base", "last", "added"),
        [
            ("ENTRYPOINT a\nCMD b", "", 'CMD ["/bin/sh", "-c", "b"]\n'),
            ('CMD ["b"]\nENTRYPOINT a', "", 'CMD ["b"]\n'),
            ("ENTRYPOINT a", "", ""),
            ("ENTRYPOINT a\nCMD []", "", ""),
            ("ENTRYPOINT a\nCMD b", "CMD c\n", ""),
            ("ENTRYPOINT a\nCMD b", "ENTRYPOINT a\n", ""),
            ("CMD b\nFROM s AS s\nENTRYPOINT a", "", ""),
        ],
    )
    def test_the_command_is_not_lost(self, base: str, last: str, added: str) -> None:
        text = f"FROM x AS s\n{base}\nFROM s\n{last}"

        assert with_plain_entrypoint(text) == (f'{text}{added}ENTRYPOINT ["/bin/sh", "-c", "a"]\n')

    @pytest.mark.parametrize("end", ["\\", "\\ \n", "\\\n\\\n", "\\\n  \\ \n\n# end\n"])
    def test_it_does_not_continue_the_end_of_the_text(self, end: str) -> None:
        text = with_plain_entrypoint(f"FROM x\nENTRYPOINT a\nLABEL b=c {end}")

        assert read(text) == [
            ("FROM", "x"),
            ("ENTRYPOINT", "a"),
            ("LABEL", "b=c"),
            ("ENTRYPOINT", '["/bin/sh", "-c", "a"]'),
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "FROM x\nENTRYPOINT a b\n",
            'FROM x\nENTRYPOINT ["a", \\\n"b"]\n# ENTRYPOINT',
            'FROM x\nENTRYPOINT ["a", "ENTRYPOINT  b"] #',
            'FROM x\nENTRYPOINT ["a"]\nRUN echo "ENTRYPOINT  b" \\',
        ],
    )
    def test_daytona_then_reads_what_docker_does(self, text: str) -> None:
        plain = with_plain_entrypoint(text)

        value = entrypoint(plain)
        assert value is not None
        assert as_daytona_reads(plain) == json.loads(value) != as_daytona_reads(text)
        assert with_plain_entrypoint(plain) == plain
