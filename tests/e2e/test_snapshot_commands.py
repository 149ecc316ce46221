"""`os2 snapshot local-docker` on the real engine, with images that need no network."""

from __future__ import annotations

import io
import os
import re
import shutil
import stat
import subprocess
import tarfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from os2cli.providers.local_docker.engine.temporary import LABEL
from tests.command import Os2, Result
from tests.engine import sandbox_image

pytestmark = pytest.mark.engine

BUILD = ("snapshot", "local-docker")


@pytest.fixture
def source(repository: Path) -> Path:
    """A repository whose image has its files."""
    (repository / "sandbox").mkdir()
    (repository / "sandbox" / "Dockerfile").write_text(
        f"ARG BASE_IMAGE={sandbox_image()}\n"
        "FROM ${BASE_IMAGE}\n"
        "ARG GREETING=hello\n"
        'RUN echo "$GREETING" > /tmp/greeting\n'
        "COPY . /src/\n"
    )
    (repository / "a.txt").write_text("a")
    return repository


def read(engine: docker.APIClient, image: str, path: str) -> str:
    """Return the text of a file of an image."""
    return member(engine, image, path)[1]


def member(engine: docker.APIClient, image: str, path: str) -> tuple[tarfile.TarInfo, str]:
    """Return a file of an image, and its text."""
    container = engine.create_container(image)["Id"]
    try:
        stream, _ = engine.get_archive(container, path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            found = archive.getmembers()[0]
            content = archive.extractfile(found)
            assert content is not None
            return found, content.read().decode()
    finally:
        engine.remove_container(container)


def build(os2: Os2, tag: str, *options: str) -> Result:
    return os2(*BUILD, "--tag", tag, *options)


def test_what_did_not_change_is_not_built_again(builds: Os2, source: Path, image_tag: str) -> None:
    first = build(builds, image_tag, "--json")
    second = build(builds, image_tag, "--json")
    told = build(builds, image_tag)

    assert first.status == 0, first.stderr
    assert (first.json()["built"], second.json()["built"]) == (True, False)
    assert second.json()["id"] == first.json()["id"]
    key = first.json()["key"]
    assert told.stdout.startswith(f"unchanged {image_tag} (key {key[:12]}, built ")


@pytest.mark.parametrize(
    "change", ["content", "mode", "path", "dockerfile", "build argument", "no cache"]
)
def test_every_change_of_an_input_builds_again(
    builds: Os2, source: Path, image_tag: str, change: str
) -> None:
    first = build(builds, image_tag, "--json").json()
    options: list[str] = []
    match change:
        case "content":
            (source / "a.txt").write_text("b")
        case "mode":
            (source / "a.txt").chmod(0o755)
        case "path":
            (source / "a.txt").rename(source / "b.txt")
        case "dockerfile":
            dockerfile = source / "sandbox" / "Dockerfile"
            dockerfile.write_text(dockerfile.read_text() + "ENV CHANGED=1\n")
        case "build argument":
            options = ["--build-arg", "GREETING=ahoy"]
        case "no cache":
            options = ["--no-cache"]

    second = build(builds, image_tag, "--json", *options).json()

    assert second["built"]
    assert second["id"] != first["id"]


def test_a_changed_mode_is_a_change_and_a_changed_time_is_not(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    build(builds, image_tag)
    os.utime(source / "a.txt", (1, 1))
    touched = build(builds, image_tag, "--json").json()
    (source / "a.txt").chmod(0o600)
    closed = build(builds, image_tag, "--json").json()

    assert (touched["built"], closed["built"]) == (False, True)
    assert stat.S_IMODE(member(engine, image_tag, "/src/a.txt")[0].mode) == 0o600


def test_build_arguments_and_dockerignore_take_effect(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    (source / "ignored.log").write_text("x")
    (source / ".dockerignore").write_text("*.log\n")

    result = build(builds, image_tag, "--build-arg", "GREETING=ahoy")

    assert result.status == 0, result.stderr
    assert read(engine, image_tag, "/tmp/greeting") == "ahoy\n"
    assert read(engine, image_tag, "/src/a.txt") == "a"
    with pytest.raises(docker.errors.NotFound):
        read(engine, image_tag, "/src/ignored.log")


def test_a_dockerfile_elsewhere_in_the_repository_gets_its_root_as_context(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    nested = source / "apps" / "os2" / "sandbox"
    nested.mkdir(parents=True)
    (source / "sandbox" / "Dockerfile").rename(nested / "Dockerfile")

    found = build(builds, image_tag)
    named = build(builds, image_tag, "--dockerfile", "apps/os2/sandbox/Dockerfile")

    assert found.status == 0, found.stderr
    assert named.stdout.startswith("unchanged ")
    assert read(engine, image_tag, "/src/a.txt") == "a"


def test_another_repository_is_built_from_anywhere(
    builds: Os2, source: Path, image_tag: str, tmp_path: Path
) -> None:
    elsewhere = Os2(tmp_path, builds.env)

    assert build(elsewhere, image_tag, "--repo", str(source)).status == 0


def test_without_a_dockerfile_the_bundled_sandbox_is_built_and_reported(
    builds: Os2, image_tag: str
) -> None:
    told = f"{image_tag} was built from the sandbox bundled with os2"

    first = build(builds, image_tag)
    second = build(builds, image_tag)

    assert first.status == 0, first.stderr
    assert told in first.stderr
    assert second.stdout.startswith("unchanged ")
    assert told not in second.stderr


def test_a_failing_step_shows_the_end_of_its_log(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    dockerfile = source / "sandbox" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "RUN echo the reason; exit 3\n")

    result = build(builds, image_tag)

    assert result.status == 1
    assert "the reason" in result.stderr
    assert "error: cannot build the image: " in result.stderr
    assert engine.images(image_tag) == []


def test_what_looks_like_a_secret_is_rejected(builds: Os2, source: Path, image_tag: str) -> None:
    (source / ".env").write_text("TOKEN=hunter2\n")

    refused = build(builds, image_tag)
    allowed = build(builds, image_tag, "--allow-secrets")

    assert refused.status == 2
    assert ".env" in refused.stderr
    assert "hunter2" not in refused.stdout + refused.stderr
    assert allowed.status == 0


def test_a_build_gets_a_small_git_if_asked_for(builds: Os2, source: Path, image_tag: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")

    def git(*command: str) -> None:
        subprocess.run(["git", *who, *command], cwd=source, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    (source / ".dockerignore").write_text(".git\n")
    (source / "sandbox" / "Dockerfile").write_text(
        f"ARG BASE_IMAGE={sandbox_image()}\n"
        "FROM ${BASE_IMAGE}\nUSER root\nWORKDIR /src\n"
        "COPY . .\nCOPY .git .git\n"
        'RUN git status --porcelain >/status && test ! -s /status && test "$(git describe)" = v1\n'
        "RUN --mount=type=bind,source=.git,target=/other/.git git -C /other log\n"
    )
    git("add", ".")
    git("commit", "-qm", "first")
    git("tag", "-a", "v1", "-m", "one")

    refused = build(builds, image_tag)
    first = build(builds, image_tag, "--with-git")
    second = build(builds, image_tag, "--with-git")
    git("checkout", "-q", "-b", "another")
    third = build(builds, image_tag, "--with-git")

    assert refused.status == 2
    assert "which is not sent: COPY .git .git" in refused.stderr
    assert "--with-git" in refused.stderr
    assert first.status == 0, first.stderr
    assert second.stdout.startswith("unchanged ")
    assert third.stdout.startswith("built ")


def test_two_concurrent_builds_make_one_image(builds: Os2, source: Path, image_tag: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: build(builds, image_tag, "--json").json(), range(2)))

    assert sorted(result["built"] for result in results) == [False, True]
    assert results[0]["id"] == results[1]["id"]


def test_an_untagged_image_is_removed(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    first = build(builds, image_tag, "--json").json()["id"]
    (source / "a.txt").write_text("b")

    build(builds, image_tag)

    with pytest.raises(docker.errors.ImageNotFound):
        engine.inspect_image(first)


def test_an_image_that_a_machine_uses_stays_until_the_machine_goes(
    os2: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    env = {"LOCAL_DOCKER_IMAGE_NAME": image_tag}
    machine = os2("machine", "create", "--no-wait", "-q", env=env).stdout.strip()
    first = engine.inspect_image(image_tag)["Id"]
    (source / "a.txt").write_text("b")
    build(os2, image_tag)

    assert engine.inspect_image(first)["Id"] == first
    os2("machine", "rm", machine)

    with pytest.raises(docker.errors.ImageNotFound):
        engine.inspect_image(first)


def test_a_base_image_that_the_dockerfile_ignores_is_rejected(
    builds: Os2, source: Path, image_tag: str
) -> None:
    (source / "sandbox" / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")

    result = build(builds, image_tag, "--base-image", "debian:bookworm")

    assert result.status == 2
    assert "ARG BASE_IMAGE" in result.stderr


def test_the_log_of_a_build_is_kept(builds: Os2, source: Path, image_tag: str) -> None:
    built = build(builds, image_tag, "--build-arg", "GREETING=ahoy")
    assert built.status == 0, built.stderr

    log = builds("snapshot", "logs", image_tag)

    assert log.status == 0, log.stderr
    assert log.stdout.startswith(f"# build of {image_tag}\n")
    assert "> /tmp/greeting" in log.stdout


def test_the_log_of_a_failed_build_is_also_kept(builds: Os2, source: Path, image_tag: str) -> None:
    dockerfile = source / "sandbox" / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "RUN echo the reason; exit 3\n")
    build(builds, image_tag)

    log = builds("snapshot", "logs", image_tag)

    assert log.status == 0, log.stderr
    assert "the reason\n" in log.stdout
    assert "# failed: cannot build the image: " in log.stdout


def test_an_image_is_listed_shown_and_removed(builds: Os2, source: Path, image_tag: str) -> None:
    built = build(builds, image_tag, "--json").json()

    listed = builds("snapshot", "list", "--json").json()
    shown = builds("snapshot", "show", image_tag)
    removed = builds("snapshot", "rm", image_tag)

    (item,) = [item for item in listed if item["name"] == image_tag]
    assert (item["id"], item["key"]) == (built["id"], built["key"])
    assert (item["type"], item["stage"], item["state"]) == ("local-docker", None, "active")
    assert built["key"] in shown.stdout
    assert (removed.status, removed.stdout) == (0, f"removed {image_tag}\n")
    assert builds("snapshot", "rm", image_tag).status == 3


def test_a_dockerfile_cannot_choose_whose_image_it_makes(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    dockerfile = source / "sandbox" / "Dockerfile"
    forged = " ".join(f"dev.os2.{name}=forged" for name in ("repository", "image", "key", "base"))
    dockerfile.write_text(f"{dockerfile.read_text()}\nLABEL {forged}\n")

    built = build(builds, image_tag)

    assert built.status == 0, built.stderr
    labels = engine.inspect_image(image_tag)["Config"]["Labels"]
    assert labels["dev.os2.image"] == image_tag
    assert len(labels["dev.os2.repository"]) == 32
    assert "forged" not in (labels["dev.os2.key"], labels["dev.os2.repository"])


def test_another_repository_neither_uses_nor_replaces_an_image(
    os2: Os2, source: Path, image_tag: str, engine: docker.APIClient, tmp_path: Path
) -> None:
    env = {"LOCAL_DOCKER_IMAGE_NAME": image_tag}
    assert os2("snapshot", "local-docker", env=env).status == 0
    before = engine.inspect_image(image_tag)["Id"]
    theirs = tmp_path / "theirs"
    shutil.copytree(source, theirs)
    (theirs / "a.txt").write_text("theirs")
    other = replace(os2, folder=theirs)

    refused = [
        other(*line, env=env)
        for line in (
            ("machine", "create", "--no-wait"),
            ("machine", "create", "--no-wait", "--build"),
            ("up", "test-never-made"),
            ("snapshot", "local-docker"),
        )
    ]
    again = os2("snapshot", "local-docker", env=env)

    assert [(r.status, "was built from another repository" in r.stderr) for r in refused] == [
        (5, True)
    ] * 4
    assert "unchanged" in again.stdout
    assert engine.inspect_image(image_tag)["Id"] == before
    taken = other("snapshot", "local-docker", "--tag", image_tag)
    assert taken.status == 0, taken.stderr


def test_another_repository_is_asked_about_a_machine(
    os2: Os2, source: Path, image_tag: str, tmp_path: Path
) -> None:
    env, name = {"LOCAL_DOCKER_IMAGE_NAME": image_tag}, f"test-{uuid.uuid4().hex[:8]}"
    theirs = tmp_path / "theirs"
    shutil.copytree(source, theirs)
    (theirs / "a.txt").write_text("theirs")
    other = replace(os2, folder=theirs)
    try:
        assert os2("up", name, env=env).status == 0
        assert os2("machine", "stop", name, "--yes", env=env).status == 0
        # The image of the name is now the other's own.
        assert other("snapshot", "local-docker", "--tag", image_tag).status == 0

        refused = other("up", name, env=env)

        assert (refused.status, "belongs to another repository" in refused.stderr) == (5, True)
        assert os2("machine", "show", name, "--json").json()["state"] == "stopped"
        agreed = other("up", name, "--yes", env=env)
        assert agreed.status == 0, agreed.stderr
    finally:
        os2("machine", "rm", name, "--yes")


def test_a_worktree_uses_its_repository_s_image(
    builds: Os2, source: Path, image_tag: str, tmp_path: Path
) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.test")
    git = ("git", "-C", str(source), *identity)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    tree = tmp_path / "tree"
    subprocess.run([*git, "worktree", "add", "-q", str(tree)], check=True)
    env = {"LOCAL_DOCKER_IMAGE_NAME": image_tag}
    assert builds("snapshot", "local-docker", env=env).status == 0
    (tree / "a.txt").write_text("changed")

    built = replace(builds, folder=tree)("snapshot", "local-docker", env=env)

    assert built.status == 0, built.stderr
    assert built.stdout.startswith(f"built {image_tag}")


def test_show_prints_what_the_build_recorded(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    build(builds, image_tag)

    shown = builds("snapshot", "show", image_tag, "--json").json()
    text = builds("snapshot", "show", image_tag, "-v").stdout

    assert shown["contents"]["os"].startswith(("Debian", "Ubuntu"))
    tools = {tool["name"]: tool["version"] for tool in shown["contents"]["tools"]}
    assert tools["node"].startswith("24.")
    assert {"debian", "npm"} == {package["source"] for package in shown["contents"]["packages"]}
    assert shown["base"].startswith("sha256:")
    assert f"tool        node {tools['node']}\n" in text
    assert re.search(r"(?m)^debian +git \S+$", text)
    assert not engine.containers(all=True, filters={"label": LABEL, "ancestor": image_tag})


def test_an_image_with_a_foreign_name_is_not_ours(
    builds: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    build(builds, image_tag)
    own = image_tag.replace(":local", ":own")
    engine.tag(image_tag, own.partition(":")[0], "own")
    try:
        listed = builds("snapshot", "list", "-q").stdout.split()
        refused = builds("snapshot", "rm", own, "--force", "--yes")

        assert image_tag in listed
        assert own not in listed
        assert refused.status == 5
        assert "was not built by os2" in refused.stderr
        assert engine.images(own)
    finally:
        engine.remove_image(own)


def test_an_image_that_a_machine_uses_is_not_removed(
    os2: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    build(os2, image_tag)
    env = {"LOCAL_DOCKER_IMAGE_NAME": image_tag}
    machine = os2("machine", "create", "--no-wait", "-q", env=env).stdout.strip()

    refused = os2("snapshot", "rm", image_tag)
    forced = os2("snapshot", "rm", image_tag, "--force")

    assert refused.status == 5
    assert f"{image_tag} is in use: {machine} was created from it" in refused.stderr
    assert forced.stdout == f"removed {image_tag}\n"
    assert engine.images(image_tag) == []
    assert os2("machine", "rm", machine).status == 0


def test_an_untagged_image_stays_while_it_is_used(
    os2: Os2, source: Path, image_tag: str, engine: docker.APIClient
) -> None:
    env = {"LOCAL_DOCKER_IMAGE_NAME": image_tag}
    machine = os2("machine", "create", "--no-wait", "-q", env=env).stdout.strip()
    first = engine.inspect_image(image_tag)["Id"]
    (source / "a.txt").write_text("b")
    build(os2, image_tag)
    name = first.removeprefix("sha256:")[:12]

    (used,) = [i for i in os2("snapshot", "list", "--json").json() if i["name"] == name]
    plan = os2("snapshot", "prune", "--dry-run", "--json").json()
    # Without os2, which would remove the image together with its machine.
    engine.remove_container(f"os2-{machine}", force=True)
    then = os2("snapshot", "prune", "--dry-run", "--json").json()
    removed = os2("snapshot", "rm", name)

    assert (used["untagged"], used["machines"]) == (True, [machine])
    assert name not in [item["name"] for item in plan["remove"]]
    (left,) = [item for item in then["remove"] if item["name"] == name]
    assert left["reason"] == "untagged"
    assert removed.stdout == f"removed {name}\n"
    with pytest.raises(docker.errors.ImageNotFound):
        engine.inspect_image(first)
