"""The Dockerfile's text for Daytona's builder, by which it tells builds apart."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.dockerfile import entrypoint
from os2cli.providers.daytona.snapshots.remote_build import RemoteContent, RemoteSource
from os2cli.snapshots.building import BuildRequest, PublishRequest

DOCKERFILE = 'FROM debian:stable\nENTRYPOINT ["/sandbox/entry"]\n'


@pytest.fixture
def request_(tmp_path: Path) -> PublishRequest:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    build = BuildRequest(root=tmp_path, dockerfile=Path("Dockerfile"), tag="x")
    return PublishRequest(build, stage="dev-jonas")


@pytest.fixture
def source(client: DaytonaClient) -> RemoteSource:
    return RemoteSource(client)


def prepared(source: RemoteSource, request: PublishRequest, count: int = 1) -> list[RemoteContent]:
    return [source.prepare(request) for _ in range(count)]


def test_every_stage_has_its_own(source: RemoteSource, request_: PublishRequest) -> None:
    stages = ("dev", "dev-jonas", "stg", "prd", "pr-1", "ENTRYPOINT", "os2-key", "a" * 30)
    contents = [source.prepare(replace(request_, stage=stage)) for stage in stages]

    assert len({content.text for content in contents}) == len(stages)
    # What is compared with the stage's newest snapshot does not change.
    assert len({content.key for content in contents}) == 1


def test_every_forced_build_has_its_own(source: RemoteSource, request_: PublishRequest) -> None:
    contents = prepared(source, replace(request_, force=True), 20)

    assert len({content.text for content in contents}) == 20
    assert {content.key for content in contents} == {source.prepare(request_).key}


def test_the_same_content_of_a_stage_has_the_same(
    source: RemoteSource, request_: PublishRequest
) -> None:
    """Daytona's cache has it."""
    assert len({content.text for content in prepared(source, request_, 3)}) == 1


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("stage", ["dev-jonas", "ENTRYPOINT", "ENTRYPOINT-x"])
def test_it_changes_nothing_else(
    stage: str, force: bool, source: RemoteSource, request_: PublishRequest
) -> None:
    (content,) = prepared(source, replace(request_, stage=stage, force=force))

    assert content.text.startswith(DOCKERFILE)
    assert re.fullmatch(r"# os2-build: .*\n# os2-key: .*\n", content.text[len(DOCKERFILE) :])
    assert entrypoint(content.text) == entrypoint(DOCKERFILE)
    # As Daytona searches.
    assert re.findall(r"ENTRYPOINT\s+(.*)", content.text) == ['["/sandbox/entry"]']
