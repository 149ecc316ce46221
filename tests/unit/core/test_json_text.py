"""JSON that others wrote."""

from __future__ import annotations

import pytest

from os2cli.core.json_text import parse_json


def test_returns_the_value() -> None:
    assert parse_json(b'{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[" * 200_000, '{"a":' * 200_000])
def test_anything_else_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json(text)
