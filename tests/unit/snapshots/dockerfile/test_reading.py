"""A Dockerfile's instructions; tests/e2e/test_dockerfile_oracle.py asks real builders."""

from __future__ import annotations

import pytest

from os2cli.snapshots.dockerfile.reading import Instruction, instructions
from tests.unit.providers.daytona.dockerfile.texts import read


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
            Instruction("RUN", "<<A", 3, 5, with_here_documents=True),
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
    def test_a_here_document_is_skipped(self, line: str, ends: list[str]) -> None:
        body = "".join(f"FROM no\n# {end}\n {end}\n{end}\n" for end in ends)

        keywords = [found.keyword for found in instructions(f"{line}\n{body}LABEL a")]

        assert keywords == [line.partition(" ")[0].upper(), "LABEL"]

    def test_a_here_document_without_an_end_is_none(self) -> None:
        assert read("RUN echo $((1 <<3))\nCMD a") == [("RUN", "echo $((1 <<3))"), ("CMD", "a")]
        assert read("RUN <<A <<B\nx\nA\nCMD a")[1:] == [("X", ""), ("A", ""), ("CMD", "a")]
