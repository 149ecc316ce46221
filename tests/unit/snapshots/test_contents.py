"""What is read from an image's records, which its author wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from os2cli.snapshots.contents import Contents, Package, read_contents

FILES = {
    "tools.json": b'[{"name": "node", "version": "24.0.0"}]',
    "packages.json": json.dumps(
        {
            "os": {"name": "Debian 12"},
            "debian": [{"name": "bash", "version": "5.2", "architecture": "amd64"}],
            "npm": [{"name": "@a/b", "version": "1.0.0"}],
        }
    ).encode(),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["os", "name", "npm"]), inner),
    max_leaves=20,
)


def test_they_are_read() -> None:
    assert read_contents(FILES) == Contents(
        "Debian 12",
        (Package("tool", "node", "24.0.0"),),
        (Package("debian", "bash", "5.2"), Package("npm", "@a/b", "1.0.0")),
    )


def test_an_image_without_records_has_unknown_contents() -> None:
    assert read_contents({}) is None


@settings(max_examples=200)
@given(content=JSON.map(lambda value: json.dumps(value).encode()) | st.binary())
@pytest.mark.parametrize("name", FILES)
def test_no_record_is_an_error(name: str, content: bytes) -> None:
    assert read_contents(FILES | {name: content}) is not None


@pytest.mark.parametrize("deep", ["[", '{"os":'])
def test_a_deep_record_is_left_out(deep: str) -> None:
    found = read_contents({"tools.json": deep.encode() * 100_000, "packages.json": b"{}"})

    assert found == Contents(None, (), ())


@pytest.mark.parametrize("escape", ["\x1b]52;c;eA==\x07", "\x9b2J", "\u202e", "\n", "\r"])
def test_names_are_plain_text(escape: str) -> None:
    value: Any = f"a{escape}b"
    record = {"os": {"name": value}, "npm": [{"name": value, "version": value}]}

    found = read_contents({"packages.json": json.dumps(record).encode()})

    assert found is not None
    texts = [found.os or "", found.packages[0].name, found.packages[0].version]
    assert all(text.isprintable() for text in texts)
