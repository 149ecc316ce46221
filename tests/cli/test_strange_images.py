"""What is not this repository's is not used in silence: an image, or a machine that exists."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pexpect
import pytest

from os2cli.providers import labels
from tests.command import Os2
from tests.engine_stub import EngineStub, repository_of

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


def on_a_terminal(os2: Os2, *line: str) -> pexpect.spawn[str]:
    program, *arguments = os2.argv(*line)
    return pexpect.spawn(
        program, arguments, cwd=str(os2.folder), env=dict(os2.env), encoding="utf-8", timeout=60
    )


class TestOnATerminal:
    @pytest.fixture
    def ask(self, here: Os2, engine: EngineStub) -> Iterator[pexpect.spawn[str]]:
        engine.marks = BUILT | {labels.IMAGE_REPOSITORY: "a" * 32}
        child = on_a_terminal(here, "machine", "create", "one", "--no-wait")
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


class TestMachines:
    """A machine sees what it is given, and runs what its repository's image has."""

    @pytest.fixture(params=["running", "exited"])
    def existing(self, request: pytest.FixtureRequest, here: Os2, engine: EngineStub) -> str:
        """The state of a machine that was created in this repository."""
        done = here("machine", "create", "one", "--no-wait")
        assert done.status == 0, done.stderr
        self.state(engine)["Status"] = request.param
        engine.requests.clear()
        return str(request.param)

    @pytest.fixture
    def there(self, here: Os2, engine: EngineStub, tmp_path: Path) -> Os2:
        """os2 in another repository, whose image is the one of the name now."""
        other = tmp_path / "other"
        shutil.copytree(here.folder, other)
        (other / "theirs").write_text("theirs")
        engine.repository = partial(repository_of, other, Path(here.env["HOME"]))
        return replace(here, folder=other)

    @staticmethod
    def state(engine: EngineStub) -> dict[str, object]:
        state: dict[str, object] = engine.containers["os2-one"]["State"]
        return state

    @pytest.mark.parametrize("more", [(), ("--build",), ("--isolation", "strict")], ids=" ".join)
    def test_without_a_terminal_that_of_another_repository_is_rejected(
        self, existing: str, there: Os2, engine: EngineStub, more: tuple[str, ...]
    ) -> None:
        result = there("up", "one", *more, "--json")

        error = result.json()["error"]
        assert (result.status, error["code"]) == (5, "machine_not_ours")
        assert error["message"] == "machine one belongs to another repository"
        assert error["hint"].startswith("choose another name, ")
        assert error["hint"].endswith(": os2 up one --yes")
        assert [path for method, path, _ in engine.requests if method != "GET"] == []
        assert self.state(engine)["Status"] == existing

    @pytest.mark.usefixtures("existing")
    def test_one_from_an_image_that_was_named_is_that_repository_s(
        self, here: Os2, there: Os2, engine: EngineStub
    ) -> None:
        """What counts is where the user agreed to the image."""
        made = there("machine", "create", "two", "--no-wait", "--snapshot", NAME)

        assert made.status == 0, made.stderr
        engine.marks = BUILT
        assert there("up", "two").status in DONE
        assert here("up", "two").status == 5

    @pytest.mark.usefixtures("existing")
    def test_one_of_an_earlier_os2_is_that_of_its_image(
        self, here: Os2, there: Os2, engine: EngineStub
    ) -> None:
        marks = engine.containers["os2-one"]["Config"]["Labels"]
        engine.repository = partial(repository_of, there.folder, Path(here.env["HOME"]))
        marks[labels.IMAGE_REPOSITORY] = engine.repository()

        assert here("up", "one").status == 5
        assert there("up", "one").status in DONE
        del marks[labels.IMAGE_REPOSITORY]
        assert "for an unknown repository" in there("up", "one").stderr

    @pytest.mark.usefixtures("existing")
    def test_yes_uses_it(self, there: Os2, engine: EngineStub) -> None:
        result = there("up", "one", "--yes")

        assert result.status in DONE, result.stderr
        assert changes(engine) == []

    @pytest.mark.usefixtures("existing")
    def test_one_s_own_is_not_asked_about(self, here: Os2) -> None:
        result = here("up", "one")

        assert result.status in DONE, result.stderr

    @pytest.mark.usefixtures("existing")
    @pytest.mark.parametrize(("answer", "statuses"), [("", (5,)), ("y", DONE)])
    def test_on_a_terminal_it_is_asked_about(
        self, there: Os2, answer: str, statuses: tuple[int, ...]
    ) -> None:
        child = on_a_terminal(there, "up", "one")
        child.expect_exact("Use it as it is? [y/N] ")
        assert "machine one belongs to another repository" in (child.before or "")

        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()

        assert child.exitstatus in statuses
