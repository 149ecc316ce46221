"""The stages of a Dockerfile and the arguments before them."""

from __future__ import annotations

import pytest

from os2cli.snapshots.dockerfile.reading import read
from os2cli.snapshots.dockerfile.stages import global_arguments, stages


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("ARG A=x", "x"),
        ('ARG A="x"', "x"),
        ("ARG A='x y'", "x y"),
        ("arg A=x", "x"),
        ("ARG A=x B=y", "x"),
        ("ARG B=y A=${B}z", "yz"),
        ("ARG B=y\nARG A=$B", "y"),
        ("\ufeffARG A=x", "x"),
        ("# escape=`\nARG A=`$x", "$x"),
        ("ARG \\\n  # a comment\n  A=x", "x"),
        ("ARG A=1\nARG A=2", "2"),
        ("ARG A=x\nARG A", "x"),
        ("ARG A=\\\nx", "x"),
        ("  ARG\tA=x\r", "x"),
    ],
)
def test_an_argument(line: str, value: str) -> None:
    reading = read(f"{line}\nFROM $A\nARG A=of-a-stage")
    assert global_arguments(reading, {})["A"] == value
    assert global_arguments(reading, {"A": "given"})["A"] == "given"


def test_an_argument_without_a_value_has_none() -> None:
    assert global_arguments(read("ARG A\nFROM x"), {}) == {}
    assert global_arguments(read("ARG A\nFROM x"), {"B": "y"}) == {}


def test_a_stage_has_a_base_a_name_and_a_body() -> None:
    first, second, third = stages(
        read(
            "from --platform=$P img as Build\nRUN x\nFROM build\nFROM a b c\nCOPY <<E /\nFROM no\nE"
        )
    )
    assert (first.base, first.name) == ("img", "build")
    assert [each.keyword for each in first.body] == ["RUN"]
    assert (second.base, second.name, second.body) == ("build", "", ())
    assert (third.base, third.name) == ("a", "")
    assert [each.keyword for each in third.body] == ["COPY"]
