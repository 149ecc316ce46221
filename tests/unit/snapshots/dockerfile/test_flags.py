"""The flags of an instruction, with every way to quote and escape them."""

from __future__ import annotations

import pytest

from os2cli.snapshots.dockerfile.flags import flags, without_flags


@pytest.mark.parametrize(
    ("value", "found", "rest"),
    [
        ("a b", [], "a b"),
        ("--from=x a b", [("from", "x")], "a b"),
        ("--FROM=x --chmod=644 a", [("from", "x"), ("chmod", "644")], "a"),
        ("--link a", [("link", "")], "a"),
        ('--mount="type=cache,target=/a b" x', [("mount", "type=cache,target=/a b")], "x"),
        ("--mount=target='/a b' x", [("mount", "target=/a b")], "x"),
        ("--mount=target=/a\\ b x", [("mount", "target=/a b")], "x"),
        ('--a="\\"" x', [("a", '"')], "x"),
        ("-- x", [], "-- x"),
        ("- --from=x", [], "- --from=x"),
        ("a --from=x", [], "a --from=x"),
        ("--from=x", [("from", "x")], ""),
        ('--from="x', [], '--from="x'),
    ],
)
def test_flags(value: str, found: list[tuple[str, str]], rest: str) -> None:
    assert flags(value) == found
    assert without_flags(value) == rest
