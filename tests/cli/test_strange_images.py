"""An image that is not this repository's is neither used nor replaced in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pexpect
import pytest

from os2cli.providers import labels
from tests.command import Os2
from tests.engine_stub import EngineStub

NAME = "iterate-sandbox:local"
KEY = {labels.IMAGE_KEY: "3" * 64}
BUILT = KEY | {labels.IMAGE_NAME: NAME}

# Labels of an image under the default name, and what is reported about it.
STRANGE: list[tuple[dict[str, str], str]] = [
    ({}, "was not built by os2"),
    ({"maintainer": "somebody"}, "was not built by os2"),
    ({labels.IMAGE_REPOSITORY: "a" * 32}, "was not built by os2"),
    (KEY, "was not built by os2"),
    # Like an image that a user built on one of ours.
    (KEY | {labels.IMAGE_NAME: "another:local"}, "was not built by os2"),
    (KEY | {labels.IMAGE_NAME: "iterate-sandbox:latest"}, "was not built by os2"),
    (BUILT, "was built by an earlier os2, from an unknown repository"),
    (BUILT | {labels.IMAGE_REPOSITORY: ""}, "was built by an earlier os2, from an unknown reposi"),
    (BUILT | {labels.IMAGE_REPOSITORY: "a" * 32}, "was built from another repository"),
    (BUILT | {labels.IMAGE_REPOSITORY: "bundled"}, "was built from another repository"),
]
SILENT = [
    ("machine", "create", "one", "--no-wait"),
    ("machine", "create", "one", "--no-wait", "--count", "2"),
    ("machine", "create", "one", "--no-wait", "--build"),
    ("up", "one"),
    ("up", "one", "--build"),
    ("snapshot", "local-docker"),
    ("snapshot", "local-docker", "--no-cache"),
]
NAMED = [
    ("machine", "create", "one", "--no-wait", "--snapshot", NAME),
    ("machine", "create", "one", "--no-wait", "--yes"),
    ("machine", "create", "one", "--no-wait", "--build", "--yes"),
    ("machine", "create", "one", "--no-wait", "--build", "--snapshot", NAME),
    ("up", "one", "--yes"),
    ("snapshot", "local-docker", "--tag", NAME),
]

# The machines of the stub never become healthy, which `up` waits for.
DONE = (0, 6)


@pytest.fixture
def here(os2: Os2, engine: EngineStub) -> Os2:
    """os2 in a repository with a Dockerfile, on the stub of an engine."""
    (os2.folder / "sandbox").mkdir()
    (os2.folder / "sandbox/Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    return replace(os2, env={**os2.env, "DOCKER_HOST": engine.url, "OS2_TIMEOUT": "0.5"})


def changes(engine: EngineStub) -> list[str]:
    """Return what was built and created."""
    posts = [re.sub(r"\?.*", "", path) for method, path, _ in engine.requests if method == "POST"]
    return [path for path in posts if path in ("/build", "/containers/create")]


@pytest.mark.parametrize("line", SILENT, ids=" ".join)
@pytest.mark.parametrize(("marks", "why"), STRANGE, ids=range(len(STRANGE)))
def test_without_a_terminal_it_is_rejected(
    here: Os2, engine: EngineStub, marks: dict[str, str], why: str, line: tuple[str, ...]
) -> None:
    engine.marks = marks

    result = here(*line, "--json")

    error = result.json()["error"]
    assert (result.status, error["code"]) == (5, "image_not_ours")
    assert why in error["message"]
    assert error["hint"].endswith(f"os2 snapshot local-docker --tag {NAME}")
    assert changes(engine) == []


@pytest.mark.parametrize("line", NAMED, ids=" ".join)
@pytest.mark.parametrize("marks", [STRANGE[0][0], STRANGE[-2][0]], ids=["foreign", "another's"])
def test_it_is_used_or_replaced_if_it_is_named(
    here: Os2, engine: EngineStub, marks: dict[str, str], line: tuple[str, ...]
) -> None:
    engine.marks = marks

    result = here(*line)

    assert result.status in DONE, result.stderr
    builds = line[0] == "up" or "--build" in line or line[0] == "snapshot"
    assert ("/build" in changes(engine)) is builds


@pytest.mark.parametrize("line", SILENT, ids=" ".join)
def test_the_repository_s_own_is_not_asked_about(
    here: Os2, engine: EngineStub, line: tuple[str, ...]
) -> None:
    result = here(*line)

    assert result.status in DONE, result.stderr


def test_a_variable_does_not_name_it(here: Os2, engine: EngineStub) -> None:
    """It is set for every repository."""
    engine.marks = {}

    result = here("machine", "create", "--no-wait", env={"LOCAL_DOCKER_IMAGE_NAME": NAME})

    assert result.status == 5


class TestOnATerminal:
    @pytest.fixture
    def ask(self, here: Os2, engine: EngineStub) -> Iterator[pexpect.spawn[str]]:
        engine.marks = BUILT | {labels.IMAGE_REPOSITORY: "a" * 32}
        program, *arguments = here.argv("machine", "create", "one", "--no-wait")
        child = pexpect.spawn(
            program, arguments, cwd=str(here.folder), env=dict(here.env), encoding="utf-8",
            timeout=60,
        )  # fmt: skip
        child.expect_exact("Create the machine from it? [y/N] ")
        assert "was built from another repository" in (child.before or "")
        yield child
        child.close()

    @pytest.mark.parametrize("answer", ["", "n", "no", "Yes please"])
    def test_the_default_is_no(
        self, ask: pexpect.spawn[str], engine: EngineStub, answer: str
    ) -> None:
        ask.sendline(answer)
        ask.expect(pexpect.EOF)
        ask.close()

        assert ask.exitstatus == 5
        assert changes(engine) == []

    def test_yes_creates_it(self, ask: pexpect.spawn[str], engine: EngineStub) -> None:
        ask.sendline("y")
        ask.expect(pexpect.EOF)
        ask.close()

        assert ask.exitstatus == 0
        assert changes(engine) == ["/containers/create"]
