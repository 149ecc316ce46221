"""What no builder would start with."""

from __future__ import annotations

import pytest

from os2cli.core.errors import UsageError
from os2cli.providers.daytona.dockerfile import check
from tests.unit.providers.daytona.dockerfile.texts import OURS


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

        assert caught.value.message == f"the Dockerfile, line {line}: unknown instruction {word}"
        assert hint in (caught.value.hint or "")
        assert caught.value.code == "dockerfile_invalid"

    @pytest.mark.parametrize(("text", "line"), [("", 1), ("# FROM x\n", 1), ("ARG X\n\nRUN a", 3)])
    def test_a_text_without_from_is_refused(self, text: str, line: int) -> None:
        with pytest.raises(UsageError) as caught:
            check(text)

        assert caught.value.message == f"the Dockerfile, line {line}: end of file without a FROM"
        assert caught.value.hint
        assert caught.value.code == "dockerfile_invalid"
