"""Machines without an engine, on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.command import Os2
from tests.engine_stub import engine_stub

TYPE = ("--type", "local-process")
NO_ISOLATION = "no isolation"


@pytest.fixture
def host(os2: Os2) -> Iterator[Os2]:
    """The CLI; its machines are removed at the end."""
    yield os2
    os2("machine", "rm", "--all", "--yes", *TYPE)


def test_a_machine_s_whole_life(host: Os2) -> None:
    created = host("machine", "create", "here.1", *TYPE, "-e", "GREETING=hello", "--json")

    assert created.status == 0, created.stderr
    machine = created.json()
    assert machine["name"] == "here.1"
    assert machine["isolated"] is False
    assert machine["health"] == "healthy"
    health = httpx.get(f"http://127.0.0.1:{machine['port']}/api/health", trust_env=False)
    assert health.json()["status"] == "ok"

    said = host("machine", "exec", "here.1", *TYPE, "--", "sh", "-c", "echo $GREETING; exit 4")
    assert (said.status, said.stdout) == (4, "hello\n")
    listed = host("machine", "list", *TYPE)
    assert f"local-process ({NO_ISOLATION})" in listed.stdout
    assert NO_ISOLATION in host("machine", "show", "here.1", *TYPE).stdout
    assert "entry: services:" in host("machine", "logs", "here.1", *TYPE).stdout

    assert host("machine", "rm", "here.1", *TYPE).status == 0
    assert host("machine", "list", "-q", *TYPE).stdout == ""


def test_up_finds_it_again_without_a_type(host: Os2) -> None:
    first = host("up", *TYPE, "--json")
    second = host("up", "--json")

    assert first.status == second.status == 0, second.stderr
    assert first.json()["url"] == second.json()["url"]
    assert NO_ISOLATION in host("up", "other", *TYPE).stderr


def test_several_ups_of_one_name_at_once_have_one_machine(host: Os2) -> None:
    started = [host.start("up", "dev", *TYPE, "--json") for _ in range(3)]
    ends = [process.communicate(timeout=120) for process in started]

    assert [process.returncode for process in started] == [0, 0, 0], ends
    assert len({json.loads(stdout)["url"] for stdout, _ in ends}) == 1
    assert host("machine", "list", "-q", *TYPE).stdout == "dev\n"


def test_all_without_a_type_means_every_type(host: Os2) -> None:
    assert host("machine", "create", "here", *TYPE, "--no-wait").status == 0
    with engine_stub() as engine:
        both = replace(host, env={**host.env, "DOCKER_HOST": engine.url})
        for name in ("here", "there"):
            created = both("machine", "create", name, "--type", "local-docker", "--no-wait")
            assert created.status == 0, created.stderr
        asked = both("machine", "rm", "--all")
        stopped = both("machine", "stop", "--all", "--yes")
        removed = both("machine", "rm", "--all", "--yes", "-q")
        left = engine.containers

    # A name is unique on its type only.
    assert "removes: here (local-docker), there, here (local-process)\n" in asked.stderr
    assert (stopped.status, removed.status) == (0, 0), (stopped.stderr, removed.stderr)
    assert removed.stdout == "here\nthere\nhere\n"
    assert (left, host("machine", "list", "-q", *TYPE).stdout) == ({}, "")


def test_without_an_engine_the_choices_are_listed(os2: Os2, tmp_path: Path) -> None:
    result = os2("up")

    # The engine was named: the user must start it, and os2 takes no other.
    assert result.status == 8
    fixed = os2("up", "--fix", "--yes")
    assert fixed.status == 8
    assert "INSTEAD" not in fixed.stderr
    assert os2("machine", "list", *TYPE, "-q").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("up", *TYPE, "--build"), "--build is not supported on local-process"),
        (("up", "--type", "daytona"), "machines on daytona are created from snapshots"),
        (("machine", "create", *TYPE, "--cpu", "2"), "--cpu is not supported on local-process"),
        (("machine", "create", *TYPE, "--public"), "--public is not supported on local-process"),
    ],
)
def test_options_without_effect_are_rejected(
    os2: Os2, arguments: tuple[str, ...], message: str
) -> None:
    result = os2(*arguments)

    assert result.status == 2
    assert message in result.stderr
