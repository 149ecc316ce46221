"""The bases that os2 made: those that nothing needs are found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import docker
import pytest

from os2cli.core.models import LOCAL_DOCKER, SnapshotState
from os2cli.providers import labels
from os2cli.providers.local_docker.base_image.images import KEY_LABEL
from os2cli.providers.local_docker.engine import temporary
from os2cli.providers.local_docker.images.unused_bases import unused_bases
from os2cli.snapshots.catalog import CatalogItem
from os2cli.snapshots.pruning import PruningRules, plan_pruning

KEY = "bdf230ea4f04" + "7" * 52
BASE = {"Id": "sha256:b", "RepoTags": ["os2-base:bdf230ea4f04"], "Labels": {KEY_LABEL: KEY}}


@dataclass
class FakeEngine:
    """The lists of an engine."""

    found: list[Mapping[str, Any]]
    machines: list[Mapping[str, Any]] = field(default_factory=list)

    def images(self, filters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        assert filters == {"label": [KEY_LABEL]}
        return self.found

    def containers(self, **every: bool) -> list[Mapping[str, Any]]:
        assert every == {"all": True}
        return self.machines


def unused(engine: FakeEngine, *built: Mapping[str, Any]) -> list[str]:
    return [name for name, _ in unused_bases(cast("docker.APIClient", engine), built)]


@pytest.mark.parametrize(
    "name",
    ["os2-base:bdf230ea4f04", "os2-base:bookworm-bdf230ea4f04", "localhost/os2-base:bdf230ea4f04"],
)
def test_a_base_that_nothing_needs_is_found_by_its_name(name: str) -> None:
    assert unused(FakeEngine([{**BASE, "RepoTags": [name]}])) == [name.removeprefix("localhost/")]


@pytest.mark.parametrize(
    "marks",
    [
        {labels.IMAGE_BASE: "sha256:b"},
        {labels.IMAGE_SOURCES: json.dumps({"debian:12": "sha256:b"})},
    ],
    ids=["base", "source"],
)
def test_one_that_an_image_was_built_from_is_not(marks: dict[str, str]) -> None:
    assert unused(FakeEngine([BASE]), {"Labels": marks}) == []


def test_one_with_a_container_is_not() -> None:
    assert unused(FakeEngine([BASE], [{"ImageID": "sha256:b"}])) == []


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("mine:local", {}),
        ("os2-base:mine", {}),
        ("registry.test/os2-base:bdf230ea4f04", {}),
        ("os2-base:bdf230ea4f05", {}),
        ("os2-base:bdf230ea4f04", {temporary.LABEL: "here"}),
    ],
)
def test_an_image_of_another_name_is_not(name: str, marks: dict[str, str]) -> None:
    # An image that is built on a base has its labels.
    image = {"Id": "sha256:c", "RepoTags": [name], "Labels": {KEY_LABEL: KEY, **marks}}

    assert unused(FakeEngine([image, {**image, "RepoTags": None}])) == []


def test_prune_keeps_the_one_that_the_next_build_begins_with() -> None:
    bases = [
        CatalogItem(
            id=name,
            name=name,
            type=LOCAL_DOCKER,
            state=SnapshotState.ACTIVE,
            created=datetime.now(UTC),
            left_over=True,
            is_base=True,
        )
        for name in ("os2-base:a", "os2-base:b")
    ]

    plan = plan_pruning(bases, (), datetime.now(UTC), PruningRules(next_base="os2-base:a"))

    assert {verdict.item.name: verdict.goes for verdict in plan} == {
        "os2-base:a": False,
        "os2-base:b": True,
    }
