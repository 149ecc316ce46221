"""The id that events carry, and what a project was already sent about its user."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from os2cli.analytics.identity import (
    Identity,
    claim,
    current_identity,
    forget,
    known_identity,
    link,
)
from tests.unit.analytics.stored import GARBAGE
from tests.unit.core.user_ids import ADDRESSES, PLACEHOLDERS


def test_an_identity_is_created_on_demand(tmp_path: Path) -> None:
    assert known_identity(tmp_path) is None

    created = current_identity(tmp_path)

    assert str(UUID(created.distinct_id)) == created.distinct_id
    assert known_identity(tmp_path) == created == current_identity(tmp_path)


def test_concurrent_commands_get_one_identity(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(lambda _: current_identity(tmp_path), range(64)))

    assert len(ids) == 1


def test_the_user_of_daytona_replaces_the_random_id(tmp_path: Path) -> None:
    before = current_identity(tmp_path)

    after = link(tmp_path, before, "user_0815")

    assert after.distinct_id == "user_0815"
    assert after.anonymous == before.anonymous
    assert current_identity(tmp_path) == after


@pytest.mark.parametrize(
    "user", ["", " ", "a b", "a\nb", "-x", "x" * 200, "ü", *PLACEHOLDERS, *ADDRESSES]
)
def test_an_invalid_user_id_is_ignored(user: str, tmp_path: Path) -> None:
    before = current_identity(tmp_path)

    assert link(tmp_path, before, user) == before == current_identity(tmp_path)


@pytest.mark.parametrize("user", [*PLACEHOLDERS, *ADDRESSES])
def test_what_an_older_os2_stored_is_not_believed(user: str, tmp_path: Path) -> None:
    anonymous = current_identity(tmp_path).anonymous
    (tmp_path / f"user-{anonymous}").write_text(f"{user}\n")

    assert current_identity(tmp_path) == Identity(anonymous)


@pytest.mark.parametrize("id_", [str(UUID(int=0)), str(UUID(int=2**128 - 1))])
def test_a_uuid_that_everyone_may_have_is_replaced(id_: str, tmp_path: Path) -> None:
    (tmp_path / "id").write_text(f"{id_}\n")

    assert current_identity(tmp_path).distinct_id != id_
    assert current_identity(tmp_path) == current_identity(tmp_path)


def test_a_reset_is_not_undone_by_a_command_that_knows_the_old_id(tmp_path: Path) -> None:
    before = current_identity(tmp_path)

    forget(tmp_path)
    after = current_identity(tmp_path)
    link(tmp_path, before, "user_0815")

    assert after.anonymous != before.anonymous
    assert current_identity(tmp_path) == after


@pytest.mark.parametrize("garbage", GARBAGE)
def test_an_unreadable_id_is_replaced(garbage: bytes, tmp_path: Path) -> None:
    (tmp_path / "id").write_bytes(garbage)

    assert current_identity(tmp_path) == current_identity(tmp_path)


def test_the_state_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "analytics"
    current_identity(folder)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "id").stat().st_mode & 0o777 == 0o600


def test_a_value_is_claimed_once_for_each_change(tmp_path: Path) -> None:
    values = ["a", "a", "b", "b", "a"]

    claims = [claim(tmp_path, "project", value) for value in values]

    assert claims == [True, False, True, False, True]


def test_each_subject_has_its_own_claims(tmp_path: Path) -> None:
    assert claim(tmp_path, "project", "a")
    assert claim(tmp_path, "organization", "a")
    assert not claim(tmp_path, "project", "a")


def test_one_of_several_concurrent_claims_succeeds(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(lambda _: claim(tmp_path, "project", "a"), range(64)))

    assert claims.count(True) == 1


def test_a_reset_forgets_the_claims(tmp_path: Path) -> None:
    claim(tmp_path, "project", "a")

    forget(tmp_path)

    assert claim(tmp_path, "project", "a")


def test_the_claimed_value_is_not_on_disk(tmp_path: Path) -> None:
    claim(tmp_path, "email", "jo@acme.example")

    assert [p for p in tmp_path.rglob("*") if "acme" in p.name] == []
