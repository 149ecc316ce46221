"""`--secret` on the real engine: steps get it, and nothing else does."""

from __future__ import annotations

import json
import signal
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from tests.command import Os2, Result
from tests.engine import sandbox_image
from tests.polling import until

pytestmark = pytest.mark.engine

SECRET = "hunter2isSecret"
Build = Callable[..., Result]


@pytest.fixture
def build(builds: Os2, repository: Path, image_tag: str) -> Build:
    """Build an image with some steps; each build repeats them."""
    (repository / ".npmrc").write_text(f"//registry.example/:_authToken={SECRET}\n")
    # What the image would hold if the context had it.
    (repository / ".dockerignore").write_text(".npmrc\n")

    def run(steps: str, *options: str, **variables: str) -> Result:
        text = f"FROM {sandbox_image()}\nARG CACHE={uuid.uuid4()}\n{steps}\n"
        (repository / "Dockerfile").write_text(text)
        words = ("snapshot", "local-docker", "--dockerfile", "Dockerfile", "--tag", image_tag)
        return builds(*words, *options, env=variables)

    return run


def mount(options: str, command: str) -> str:
    return f"USER root\nRUN --mount=type=secret,{options} {command}"


def test_a_step_gets_a_file(build: Build) -> None:
    check = f"grep -q _authToken={SECRET[:4]} /root/.npmrc && stat -c %a /root/.npmrc"

    result = build(mount("id=npm,target=/root/.npmrc", check), "--secret", "id=npm,src=.npmrc")

    assert result.status == 0, result.stderr


@pytest.mark.parametrize("option", ["id=TOKEN_HERE", "id=TOKEN_HERE,env=TOKEN_HERE"])
def test_a_step_gets_a_variable(build: Build, option: str) -> None:
    check = f'[ "$(head -c 4 /run/secrets/TOKEN_HERE)" = {SECRET[:4]} ]'

    result = build(mount("id=TOKEN_HERE", check), "--secret", option, TOKEN_HERE=SECRET)

    assert result.status == 0, result.stderr


def test_a_variable_that_is_not_set_is_an_empty_secret(build: Build) -> None:
    # An older engine makes no file of an empty one.
    check = "[ ! -s /run/secrets/npm ]"

    result = build(mount("id=npm,required=true", check), "--secret", "id=npm,env=TOKEN_HERE")

    assert result.status == 0, result.stderr
    assert "--secret: variable TOKEN_HERE is not set here: the secret is empty" in result.stderr


def test_the_largest_secret_arrives_whole(build: Build, repository: Path) -> None:
    content = bytes(range(256)) * 2000
    (repository / "large.bin").write_bytes(content)
    done = subprocess.run(["sha256sum"], input=content, capture_output=True, check=True)
    check = f'echo "{done.stdout.split()[0].decode()}  /run/secrets/large" | sha256sum -c'

    result = build(mount("id=large", check), "--secret", "id=large,src=large.bin")

    assert result.status == 0, result.stderr


def test_an_optional_one_may_be_missing(build: Build) -> None:
    result = build(mount("id=npm", "[ ! -s /run/secrets/npm ]"))

    assert result.status == 0, result.stderr


def test_a_required_one_that_is_missing_is_one_error(build: Build) -> None:
    result = build(mount("id=npm,required=true", "true"), "--secret", "id=other,src=.npmrc")

    assert result.status == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert errors == ["error: cannot build the image: the Dockerfile requires secret npm"]
    assert "hint: pass it: os2 snapshot local-docker --secret id=npm" in result.stderr


@pytest.mark.parametrize("command", ["cat /run/secrets/npm", "cat /run/secrets/npm; exit 3"])
def test_nothing_keeps_it(
    build: Build,
    builds: Os2,
    engine: docker.APIClient,
    image_tag: str,
    tmp_path: Path,
    command: str,
) -> None:
    result = build(mount("id=npm", command), "--secret", "id=npm,src=.npmrc", "-v", "--debug")

    log = builds("snapshot", "logs", image_tag)
    assert "•••" in log.stdout
    assert SECRET not in result.stdout + result.stderr + log.stdout
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".npmrc"]
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []
    if result.status == 0:
        image = json.dumps([engine.inspect_image(image_tag), engine.history(image_tag)])
        assert SECRET not in image


# By their names, by their form, and with what builders quote or take apart.
ARGUMENTS = {
    "NPM_TOKEN": SECRET,
    "DEPLOYKEY": "c0rrect-h0rse",
    "DB_PASSWORD": 'pass "w0rd" $x',
    "DATABASE_URL": "postgres://me:" + "hunter2pass@db.internal/x",
    "HARMLESS": "gh" + "p_" + "a1B2c3" * 6,
}
CANARIES = (SECRET, "c0rrect-h0rse", "w0rd", "hunter2pass", "a1B2c3")


@pytest.mark.parametrize("end", ["true", "exit 3"])
def test_no_kept_log_holds_a_secret_build_argument(
    build: Build, builds: Os2, image_tag: str, tmp_path: Path, end: str
) -> None:
    declared = "\n".join(f'ARG {name}\nENV COPY_{name}="${name}"' for name in ARGUMENTS)
    shown = "; ".join(f"printf '%s\\n' \"${name}\"" for name in ARGUMENTS)
    # Also in a step's name, which the builder expands.
    steps = f"{declared}\nWORKDIR /tmp/$NPM_TOKEN\nRUN {shown}; {end}"
    options = [f"--build-arg={name}={value}" for name, value in ARGUMENTS.items()]

    result = build(steps, *options, "-v", "--debug", "--progress", "json")

    assert result.status == (0 if end == "true" else 1), result.stderr
    log = builds("snapshot", "logs", image_tag).stdout
    texts = {"output": result.stdout + result.stderr, "log": log}
    texts |= {
        str(path): path.read_bytes().decode(errors="replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and path.name != ".npmrc"
    }
    found = [(name, word) for name, text in texts.items() for word in CANARIES if word in text]
    assert "•••" in log
    assert found == []


def test_another_value_is_the_same_image(build: Build, builds: Os2, image_tag: str) -> None:
    option = ("--secret", "id=npm,env=TOKEN_HERE")
    built = build(mount("id=npm", "true"), *option, TOKEN_HERE=SECRET)
    words = ("snapshot", "local-docker", "--dockerfile", "Dockerfile", "--tag", image_tag)

    other = builds(*words, *option, env={"TOKEN_HERE": "another"})
    without = builds(*words)

    assert built.stdout.startswith("built ")
    assert other.stdout.startswith("unchanged ")
    assert without.stdout.startswith("unchanged ")


def test_ctrl_c_ends_a_build_with_secrets(
    build: Build, builds: Os2, repository: Path, image_tag: str, engine: docker.APIClient
) -> None:
    mark = f"d{uuid.uuid4().hex}"
    text = f"FROM {sandbox_image()}\n{mount('id=npm', f'echo {mark}; sleep 300')}\n"
    (repository / "Dockerfile").write_text(text)
    words = ("snapshot", "local-docker", "--dockerfile", "Dockerfile", "--tag", image_tag)
    process = builds.start(*words, "--secret", "id=npm,src=.npmrc", "-v")
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.strip() == f"| {mark}":
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130

    until(lambda: not _runs(mark))
    assert engine.images(image_tag) == []


def _runs(mark: str) -> bool:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return mark in listed.stdout
