"""What takes the place of a base image, and what an argument for it means besides."""

from __future__ import annotations

import pytest

from os2cli.snapshots.dockerfile.bases import is_base_alone, with_base
from os2cli.snapshots.dockerfile.reading import read


@pytest.mark.parametrize(
    "text",
    [
        "ARG BASE=a\nFROM $BASE\nRUN x",
        'ARG A=1 BASE=a\nFROM --platform=$P "${BASE}" AS x\nFROM $BASE\nCOPY --from=x y z',
        "ARG BASE=a\nARG OTHER_BASE=$BASES\nFROM $BASE",
        "FROM a",
    ],
)
def test_an_argument_may_be_for_the_base_alone(text: str) -> None:
    assert is_base_alone(read(text), "BASE")


@pytest.mark.parametrize(
    "text",
    [
        "ARG BASE=a\nFROM $BASE\nARG BASE",
        "ARG BASE=a\nFROM $BASE\nARG BASE=b",
        "ARG BASE=a\nFROM $BASE\nFROM $BASE-slim",
        "ARG BASE=a\nFROM $BASE\nFROM ${BASE:-b}",
        "ARG BASE=a\nARG OTHER=${BASE}-slim\nFROM $BASE",
        "ARG BASE=a\nARG BASE=${BASE}-slim\nFROM $BASE",
        "ARG BASE=a\nFROM --platform=$BASE $BASE",
    ],
)
def test_an_argument_may_be_for_more(text: str) -> None:
    assert not is_base_alone(read(text), "BASE")


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("ARG BASE=a\nFROM $BASE AS x\nARG BASE", "ARG BASE=a\nFROM new AS x\nARG BASE"),
        ("ARG BASE=a\nFROM ${BASE}\nFROM $BASE-b", "ARG BASE=a\nFROM new\nFROM $BASE-b"),
        ("ARG BASE=a\nFROM ${BASE:-b}\nFROM a", "ARG BASE=a\nFROM new\nFROM a"),
        ("ARG BASE=a\r\nFROM --platform=p \\\r\n  $BA\\\r\nSE\r\n", None),
        ("\ufeffARG BASE=a\nfrom '$BASE'", "\ufeffARG BASE=a\nfrom '$BASE'"),
    ],
)
def test_only_what_stands_for_the_image_changes(text: str, changed: str | None) -> None:
    expected = changed or "ARG BASE=a\r\nFROM --platform=p \\\r\n  new\r\n"
    assert with_base(text, read(text), "BASE", "new", {}) == expected


def test_a_given_argument_counts() -> None:
    text = "ARG BASE=a\nFROM $BASE\nFROM ${BASE}"
    assert with_base(text, read(text), "BASE", "new", {"BASE": "c"}).count("FROM new") == 2
