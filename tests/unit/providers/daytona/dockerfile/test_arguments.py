"""Build arguments in a Dockerfile; tests/e2e/test_dockerfile_oracle.py asks real builders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.errors import UsageError
from os2cli.providers.daytona.dockerfile import instructions, with_arguments
from os2cli.snapshots.dockerfile.expansion import resolved
from os2cli.snapshots.dockerfile.shell_words import quoted, split_words
from tests.unit.providers.daytona.dockerfile.texts import OURS

SECRET = "hunter2-is-secret"


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
        assert caught.value.message == ("--build-arg X: the Dockerfile has no ARG X")
        assert caught.value.hint

    @pytest.mark.parametrize("bad", ["\n", "\r", "\0", "\x1b", "\x7f", "\x85", "\udcff"], ids=ascii)
    def test_a_value_that_no_dockerfile_holds_is_refused(self, bad: str) -> None:
        with pytest.raises(UsageError, match="--build-arg X: the value ") as caught:
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
