"""What identifies a user, and what only looks like it."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from os2cli.core.user_id import is_placeholder, is_user_id
from tests.unit.core.user_ids import ADDRESSES, PLACEHOLDERS

USERS = (
    "user_0815", "auth0|5f7c8ec7c33c6c004bbafe82", "google-oauth2|103547991597142817347", "42",
    "jo", "none-of-them", "nullable", "unknown2", "zero", "f00", "00a", "10", "user",
)  # fmt: skip


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_placeholder_is_not_a_user(text: str) -> None:
    assert is_placeholder(text)
    assert not is_user_id(text)


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_not_an_id(text: str) -> None:
    assert not is_user_id(text)


@pytest.mark.parametrize("text", [*USERS, "f5e5e582-512d-416d-8b26-b52a0cd9641f"])
def test_an_id_is_one(text: str) -> None:
    assert is_user_id(text)
    assert not is_placeholder(text)


@given(st.sampled_from(PLACEHOLDERS), st.text(" \t\r\n\u00a0\u200b\ufeff\"'"), st.booleans())
def test_a_placeholder_may_be_written_in_many_ways(text: str, around: str, upper: bool) -> None:
    assert is_placeholder(f"{around}{text.upper() if upper else text}{around}")


@given(st.emails(), st.integers(0, 3), st.text(), st.text())
def test_no_address_is_an_id(address: str, encodings: int, before: str, after: str) -> None:
    for _ in range(encodings):
        address = quote(address, safe="")
    assert not is_user_id(address)
    assert not is_user_id(f"{before}{address}{after}")
