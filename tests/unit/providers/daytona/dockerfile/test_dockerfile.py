"""Dockerfiles as text; tests/e2e/test_dockerfile_oracle.py asks real builders."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.providers.daytona.dockerfile import (
    Instruction,
    check,
    entrypoint,
    instructions,
    with_arguments,
    with_plain_entrypoint,
)
from os2cli.providers.daytona.dockerfile.shell_words import quoted, resolved, split_words
from tests.engine import ENTRYPOINT

SECRET = "hunter2-is-secret"
OURS = (Path(__file__).parents[5] / "sandbox" / "Dockerfile").read_text()


def read(text: str) -> list[tuple[str, str]]:
    return [(found.keyword, found.value) for found in instructions(text)]


class TestInstructions:
    def test_each_has_its_lines(self) -> None:
        text = "# note\n\nfrom x\nRUN a \\\n  b\n\nCMD c"

        assert instructions(text) == [
            Instruction("FROM", "x", 2, 2),
            Instruction("RUN", "a   b", 3, 4),
            Instruction("CMD", "c", 6, 6),
        ]

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("RUN a \\\nb", "a b"),
            ("RUN a\\\nb", "ab"),
            ("RUN a \\ \t\nb", "a b"),
            ("RUN \\\n\n\\\n  a", "a"),
            ("RUN a \\\n# no\n  # no \\\nb", "a b"),
            ("RUN a \\\n\n \t\nb", "a b"),
            ("RUN a # b", "a # b"),
            ("RUN a \\\\", "a \\\\"),
            ("RUN a\\\\ \\\nb", "a\\\\ b"),
            ("\\\n  RUN a", "a"),
            ("\tRUN\t\va\t ", "a"),
            ("RUN --mount=type=cache,target=/x  a", "--mount=type=cache,target=/x  a"),
            ("RUN", ""),
            ("RUN a \\", "a"),
            ("RUN a \\\n  \\\n# end\n", "a"),
        ],
    )
    def test_an_instruction_goes_on_over_lines(self, text: str, value: str) -> None:
        assert read(text) == [("RUN", value)]

    def test_a_comment_does_not_go_on(self) -> None:
        assert read("# a \\\nRUN b\n  # c \\\nRUN d") == [("RUN", "b"), ("RUN", "d")]

    def test_windows_line_ends_and_a_byte_order_mark(self) -> None:
        text = "\ufeff# escape=`\r\nFROM x `\r\n  AS y\r\nRUN <<A\r\nFROM no\r\nA\r\nCMD z\r\n"

        assert instructions(text) == [
            Instruction("FROM", "x   AS y", 1, 2),
            Instruction("RUN", "<<A", 3, 5),
            Instruction("CMD", "z", 6, 6),
        ]

    @pytest.mark.parametrize(
        ("start", "works"),
        [
            ("# escape=`\n", True),
            ("#Escape = ` \n", True),
            ("  # syntax=docker/dockerfile:1\n# check=skip=all\n# escape=`\n", True),
            ("# a comment\n# escape=`\n", False),
            ("\n# escape=`\n", False),
            ("# unknown=1\n# escape=`\n", False),
            ("FROM x\n# escape=`\n", False),
            ("# escape=x\n", False),
        ],
    )
    def test_the_escape_directive_comes_first(self, start: str, works: bool) -> None:
        values = [value for keyword, value in read(f"{start}RUN a `\nCMD") if keyword == "RUN"]

        assert values == ["a CMD" if works else "a `"]

    def test_no_text_has_none(self) -> None:
        assert instructions("") == instructions("\n# x\n\\\n") == []

    @pytest.mark.parametrize(
        ("line", "ends"),
        [
            ("RUN <<EOF", ["EOF"]),
            ("RUN <<-EOF", ["\t\tEOF"]),
            ("RUN <<'EOF' sh", ["EOF"]),
            ('RUN cat 3<<"the end" > /x', ["the end"]),
            ("RUN a <<A b <<-B", ["A", "\tB"]),
            ("COPY --chown=1 <<a <<b /x/", ["a", "b"]),
            ("ADD <<EOF /x", ["EOF"]),
            ("onbuild run <<EOF", ["EOF"]),
            ("RUN a \\\n <<EOF", ["EOF"]),
            ('RUN ["a"] && <<EOF', []),
            ('RUN --network=none ["a", " <<EOF"]', []),
            ("CMD <<EOF", []),
            ("RUN a <<<EOF", []),
            ("RUN a << EOF", []),
            ("RUN a<<EOF", []),
            ("RUN 'a <<EOF'", []),
            ("RUN a \\<<EOF", []),
            ("RUN <<''", []),
        ],
    )
    def test_a_here_document_is_no_instruction(self, line: str, ends: list[str]) -> None:
        body = "".join(f"FROM no\n# {end}\n {end}\n{end}\n" for end in ends)

        keywords = [found.keyword for found in instructions(f"{line}\n{body}LABEL a")]

        assert keywords == [line.partition(" ")[0].upper(), "LABEL"]

    def test_a_here_document_without_an_end_is_none(self) -> None:
        assert read("RUN echo $((1 <<3))\nCMD a") == [("RUN", "echo $((1 <<3))"), ("CMD", "a")]
        assert read("RUN <<A <<B\nx\nA\nCMD a")[1:] == [("X", ""), ("A", ""), ("CMD", "a")]


class TestArguments:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("ARG X", 'ARG X="v"'),
            ("ARG X=", 'ARG X="v"'),
            ("arg\tX=1  ", 'arg\tX="v"  '),
            ("ARG X='a b' Y", 'ARG X="v" Y'),
            ('ARG Y="X=1" X=a\\ b Z=X', 'ARG Y="X=1" X="v" Z=X'),
            ("ARG Y \\\n# X=1\n\n  X=1 \\\n  Z", 'ARG Y \\\n# X=1\n\n  X="v" \\\n  Z'),
            ("ARG X\\\nY=1", "ARG X\\\nY=1"),
            ("ARG X=a\\\nb \\\n Y", 'ARG X="v" \\\n Y'),
            ("ARG X\\\n=1 Y", 'ARG X="v" Y'),
            ("ARG X\\\n Y", 'ARG X="v"\\\n Y'),
            ('ARG "X"=1', 'ARG "X"="v"'),
            ("ARG X=a\\\\", 'ARG X="v"'),
            ('ARG X="open', 'ARG X="v"'),
            ("\ufeffARG X\r\nFROM $X\r\n", '\ufeffARG X="v"\r\nFROM $X\r\n'),
        ],
    )
    def test_the_default_is_replaced_and_nothing_else(self, before: str, after: str) -> None:
        text = f"{before}\nARG X"

        assert with_arguments(text, {"X": "v"}) == f'{after}\nARG X="v"'

    def test_at_the_end_of_the_text(self) -> None:
        assert with_arguments("ARG X=a \\", {"X": "v"}) == 'ARG X="v" \\'
        assert with_arguments("ARG X=\\", {"X": "v"}) == 'ARG X="v"\\'

    def test_in_every_stage_and_before_the_first(self) -> None:
        text = "ARG A=1\nFROM $A\nARG A\nARG B\nRUN ARG A\nFROM x\nARG a A=2\n# ARG A\nENV A=3\n"

        assert with_arguments(text, {"A": "9", "B": ""}) == (
            'ARG A="9"\nFROM $A\nARG A="9"\nARG B=""\nRUN ARG A\nFROM x\nARG a A="9"\n# ARG A\n'
            "ENV A=3\n"
        )

    @pytest.mark.parametrize(
        ("escape", "value", "written"),
        [
            ("\\", 'a"b', r'"a\"b"'),
            ("\\", "$X ${Y}", r'"\$X \${Y}"'),
            ("\\", "C:\\x\\", r'"C:\\x\\"'),
            ("\\", "it's `x`", '"it\'s `x`"'),
            ("`", "C:\\x\\", '"C:\\x\\"'),
            ("`", '`"$', '"```"`$"'),
        ],
    )
    def test_what_docker_would_read_otherwise_is_escaped(
        self, escape: str, value: str, written: str
    ) -> None:
        text = f"# escape={escape}\nFROM x\nARG X\n"

        assert with_arguments(text, {"X": value}) == f"# escape={escape}\nFROM x\nARG X={written}\n"

    def test_a_here_document_declares_nothing(self) -> None:
        text = "FROM x\nRUN <<EOF\nARG X=1\nEOF\nARG X\n"

        assert with_arguments(text, {"X": "2"}) == text.replace("ARG X\n", 'ARG X="2"\n')

    def test_nothing_given_changes_nothing(self) -> None:
        assert with_arguments(OURS, {}) == OURS

    def test_ours_takes_its_arguments(self) -> None:
        text = with_arguments(OURS, {"BASE_IMAGE": "x:1", "PNPM_VERSION": "2"})

        changed = set(text.splitlines()) - set(OURS.splitlines())
        assert changed == {'ARG BASE_IMAGE="x:1"', 'ARG PNPM_VERSION="2"'}

    @pytest.mark.parametrize("text", ["FROM x\n", "FROM x\nARG Xx\n# ARG X\nONBUILD ARG X\n"])
    def test_a_name_that_none_declares_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            with_arguments(text, {"X": SECRET})

        assert caught.value.code == "build_arg_unused"
        assert caught.value.message == (
            "the Dockerfile has no ARG X, so --build-arg X would change nothing"
        )
        assert caught.value.hint

    @pytest.mark.parametrize("bad", ["\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\udcff"], ids=ascii)
    def test_a_value_that_no_dockerfile_holds_is_refused(self, bad: str) -> None:
        with pytest.raises(UsageError, match="the value of --build-arg X ") as caught:
            with_arguments("FROM x\nARG X\n", {"X": SECRET + bad})

        assert caught.value.code == "build_arg_invalid"
        assert caught.value.hint
        assert SECRET not in f"{caught.value.message} {caught.value.hint} {caught.value.details}"

    @given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.sampled_from("\\`"))
    def test_every_value_is_read_back(self, value: str, escape: str) -> None:
        text = f"# escape={escape}\nARG A=1 X='x y' \\\n B\nFROM x\n".replace("\\", escape)

        (declared, _) = instructions(with_arguments(text, {"X": value}))

        words = [word[0] for word in split_words(declared.value, escape)]
        assert words == ["A=1", f"X={quoted(value, escape)}", "B"]
        assert resolved(words[1], escape, {}) == f"X={value}"


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


def as_daytona_reads(text: str) -> list[str]:
    """Its API's reading, in short: the last match counts, and is one word unless it is JSON."""
    found = re.findall(r"ENTRYPOINT\s+([^\n\r]*)", text)
    try:
        return list(json.loads(found[-1])) if found else ["sleep", "infinity"]
    except ValueError:
        return [re.sub("[\"']", "", found[-1])]


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
    def test_it_is_no_part_of_what_ends_the_text(self, end: str) -> None:
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


class TestCheck:
    @pytest.mark.parametrize(
        "text",
        [OURS, "FROM x", "ARG X\nfrom x\nOnBuild RUN a", "FROM x\nRUN <<E\nhello\nE\n"],
    )
    def test_what_builds_passes(self, text: str) -> None:
        check(text)

    @pytest.mark.parametrize(
        ("text", "line", "word", "hint"),
        [
            ("FROM x\n\nRUNX a\n", 3, "RUNX", "did you mean RUN?"),
            ("FORM x\n", 1, "FORM", "did you mean FROM?"),
            (
                "# a\nFROM x\nRUN a \\\n b\nentry-point c",
                5,
                "ENTRY-POINT",
                "did you mean ENTRYPOINT?",
            ),
            ("FROM x\nRUN a\n  && b\n", 3, "&&", "https://docs.docker.com/"),
            ("FROM x\nRUN <<E\nhi\n", 3, "HI", "https://docs.docker.com/"),
            ("<html>" + "x" * 90, 1, "<HTML>XXXXXXXXXXXXXXXXXX…", "https://docs.docker.com/"),
        ],
    )
    def test_an_unknown_instruction_is_refused(
        self, text: str, line: int, word: str, hint: str
    ) -> None:
        with pytest.raises(UsageError) as caught:
            check(text)

        assert caught.value.message == f"the Dockerfile, line {line}: {word} is no instruction"
        assert hint in (caught.value.hint or "")
        assert caught.value.code == "dockerfile_invalid"

    @pytest.mark.parametrize(("text", "line"), [("", 1), ("# FROM x\n", 1), ("ARG X\n\nRUN a", 3)])
    def test_a_text_without_from_is_refused(self, text: str, line: int) -> None:
        with pytest.raises(UsageError) as caught:
            check(text)

        assert caught.value.message == f"the Dockerfile has no FROM up to its end in line {line}"
        assert caught.value.hint
        assert caught.value.code == "dockerfile_invalid"
