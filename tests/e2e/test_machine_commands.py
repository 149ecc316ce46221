"""The machine commands as a user types them, on the real engine with the real image."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from os2cli.host.ports import loopback_addresses
from tests.command import Os2
from tests.engine import sandbox_image
from tests.polling import until

pytestmark = pytest.mark.engine

PEM = "-----BEGIN KEY-----\nline one\n\tline two \n-----END KEY-----\n"


def inspect(engine: docker.APIClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.inspect_container(f"os2-{name}")
    return found


def containers_of(engine: docker.APIClient, stage: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = engine.containers(
        all=True, filters={"label": [f"dev.os2.stage={stage}"]}
    )
    return found


def test_create_prints_name_url_and_port_and_answers_there(
    os2: Os2, engine: docker.APIClient
) -> None:
    machine = os2("machine", "create", "--json").json()

    health = httpx.get(f"{machine['url']}/api/health", trust_env=False)
    assert health.json()["status"] == "ok"
    hosts = ("localhost", f"{machine['name']}.localhost")
    assert machine["url"] in [f"http://{host}:{machine['port']}" for host in hosts]
    assert machine["health"] == "healthy"
    bindings = inspect(engine, machine["name"])["HostConfig"]["PortBindings"]
    port = str(machine["port"])
    both = [{"HostIp": address, "HostPort": port} for address in loopback_addresses()]
    assert bindings == {"3000/tcp": both}


def test_up_finds_its_machine_again(os2: Os2, stage: str) -> None:
    name = stage.removeprefix("dev-")

    first = os2("up", name, "--json")
    second = os2("up", name, "--json")

    assert first.status == 0, first.stderr
    assert second.json() == first.json()


def test_up_starts_a_machine_that_was_stopped(
    os2: Os2, stage: str, engine: docker.APIClient
) -> None:
    name = stage.removeprefix("dev-")
    first = os2("up", name, "--json").json()
    engine.stop(f"os2-{name}")

    second = os2("up", name, "--json").json()

    assert (second["id"], second["port"]) == (first["id"], first["port"])
    assert second["health"] == "healthy"


def test_variables_reach_the_machine_unchanged(
    os2: Os2, engine: docker.APIClient, tmp_path: Path
) -> None:
    env_file = tmp_path / "machine.env"
    env_file.write_text("# settings\nFROM_FILE=a=b 'c'\nOVERRIDDEN=file\n")

    machine = os2(
        "machine", "create", "--json", "--env-file", str(env_file),
        "-e", f"PEM={PEM}", "-e", "INHERITED", "-e", "OVERRIDDEN=flag", "-e", "ITERATE_DEV=false",
        env={"INHERITED": "from the shell", "DOPPLER_TOKEN": "dp.st.secret"},
    ).json()  # fmt: skip

    env = dict(v.split("=", 1) for v in inspect(engine, machine["name"])["Config"]["Env"])
    assert env["PEM"] == PEM
    assert env["INHERITED"] == "from the shell"
    assert env["FROM_FILE"] == "a=b 'c'"
    assert env["OVERRIDDEN"] == "flag"
    assert env["ITERATE_DEV"] == "false"
    assert "DOPPLER_TOKEN" not in env


def test_limits_labels_and_owner_are_the_engines(os2: Os2, engine: docker.APIClient) -> None:
    machine = os2(
        "machine", "create", "--json", "--cpu", "0.5", "--memory", "512m", "--label", "team=core"
    ).json()

    found = inspect(engine, machine["name"])
    assert found["HostConfig"]["NanoCpus"] == 500_000_000
    assert found["HostConfig"]["Memory"] == 512 * 1024 * 1024
    assert found["Config"]["Labels"]["team"] == "core"
    assert found["Config"]["Labels"]["dev.os2.owner"] == machine["owner"]
    assert machine["labels"] == {"team": "core"}


@pytest.mark.parametrize("isolation", ["default", "strict"])
def test_the_working_tree_can_be_used(
    os2: Os2, engine: docker.APIClient, repository: Path, isolation: str
) -> None:
    (repository / "hello.txt").write_text("from the host")
    (repository / ".gitignore").write_text(".env\n")
    (repository / ".env").write_text("TOKEN=hunter2\n")

    machine = os2("machine", "create", "--json", "--mount-repo", "--isolation", isolation).json()[
        "name"
    ]

    def run(*command: str) -> str:
        started = engine.exec_create(f"os2-{machine}", command)
        return str(engine.exec_start(started["Id"]).decode())

    assert run("cat", "hello.txt") == "from the host"
    for place in (".", "/mnt/repo"):
        assert ".env" not in run("ls", "-A", place).split()
    assert "denied" in run("touch", "/mnt/repo/x").lower()

    run("sh", "-c", "echo mine > kept.txt; echo mine > hello.txt")
    (repository / "hello.txt").write_text("newer")
    (repository / "new.txt").write_text("new")
    result = os2("machine", "restart", machine, "--yes")

    assert "kept the machine's, changed on the host as well: hello.txt" in result.stderr
    assert run("cat", "kept.txt", "hello.txt", "new.txt") == "mine\nmine\nnew"


@pytest.mark.parametrize("name", ["a:b", "with space,=\"'$"])
def test_a_working_tree_of_any_name_can_be_used(
    os2: Os2, engine: docker.APIClient, repository: Path, name: str
) -> None:
    tree = repository.with_name(name)
    shutil.copytree(repository, tree)
    (tree / "hello.txt").write_text("from the host")
    # An engine refuses a tar that has a link like this.
    (tree / "out").symlink_to("../../elsewhere")

    machine = replace(os2, folder=tree)("machine", "create", "--json", "--mount-repo").json()

    run = engine.exec_create(f"os2-{machine['name']}", ["sh", "-c", "cat hello.txt; readlink out"])
    assert engine.exec_start(run["Id"]) == b"from the host../../elsewhere\n"


def test_a_worktree_with_a_submodule_that_is_not_checked_out_can_be_used(
    os2: Os2, engine: docker.APIClient, repository: Path
) -> None:
    def git(*command: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *who, *command], cwd=repository, check=True, capture_output=True)

    (repository / "hello.txt").write_text("from the host")
    (repository / ".gitignore").write_text(".env\n")
    git("add", ".")
    git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    git("commit", "-qm", "first")
    tree = repository.with_name("worktree")
    git("worktree", "add", "-q", str(tree))
    (tree / ".env").write_text("TOKEN=hunter2\n")

    created = replace(os2, folder=tree)("machine", "create", "--json", "--mount-repo")

    assert "lib is a submodule that is not checked out: not sent" in created.stderr
    run = engine.exec_create(f"os2-{created.json()['name']}", ["ls", "-A", ".", "/mnt/repo"])
    assert b"hello.txt" in engine.exec_start(run["Id"])
    run = engine.exec_create(f"os2-{created.json()['name']}", ["ls", "-A", ".", "/mnt/repo"])
    assert b".env" not in engine.exec_start(run["Id"]).split()


def test_a_port_in_use_is_a_conflict_that_names_its_holder(os2: Os2, stage: str) -> None:
    first = os2("machine", "create", "--json").json()

    second = os2("machine", "create", "--port", str(first["port"]))

    assert second.status == 5
    assert f"port {first['port']} is in use by container os2-{first['name']}" in second.stderr


def test_a_machine_whose_first_step_fails_says_which_and_is_removed(
    os2: Os2, engine: docker.APIClient, stage: str
) -> None:
    result = os2("machine", "create", "-e", "ITERATE_REPO_URL=file:///no/such/repository")

    assert result.status == 1
    assert "error: " in result.stderr
    assert "entry: step repository failed: " in result.stderr
    assert containers_of(engine, stage) == []


def test_a_machine_that_is_not_healthy_in_time_is_removed(
    os2: Os2, engine: docker.APIClient, stage: str
) -> None:
    result = os2("machine", "create", "--timeout", "0.1")

    assert result.status == 6
    assert "timed out after 0.1 s waiting for machine" in result.stderr
    assert containers_of(engine, stage) == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_create_leaves_nothing(
    os2: Os2, engine: docker.APIClient, stage: str, signum: signal.Signals
) -> None:
    # A daemon on another port than the published one never becomes healthy.
    process = os2.start("machine", "create", "-e", "ITERATE_SERVER_PORT=3999")
    until(lambda: containers_of(engine, stage), 30)

    process.send_signal(signum)
    process.send_signal(signum)
    _, stderr = process.communicate(timeout=30)

    assert process.returncode == 128 + signum
    assert "Traceback" not in stderr
    assert containers_of(engine, stage) == []


def test_leftovers_of_a_killed_create_block_nothing(
    os2: Os2, engine: docker.APIClient, stage: str
) -> None:
    name = stage.removeprefix("dev-")
    marks = {"dev.os2.machine": "1", "dev.os2.name": name, "dev.os2.stage": stage}
    left = engine.create_container(sandbox_image(), name=f"os2-{name}", labels=marks)["Id"]

    result = os2("machine", "create", name, "--json")

    assert result.status == 0, result.stderr
    assert result.json()["id"] != left
    assert len(containers_of(engine, stage)) == 1


def test_twenty_machines_at_once_get_twenty_ports(os2: Os2) -> None:
    with ThreadPoolExecutor(20) as pool:
        results = list(
            pool.map(lambda _: os2("machine", "create", "--no-wait", "--json"), range(20))
        )

    assert [r.status for r in results] == [0] * 20, [r.stderr for r in results if r.status]
    assert len({r.json()["port"] for r in results}) == 20


def test_removing_all_of_a_stage_leaves_other_containers_alone(
    os2: Os2, engine: docker.APIClient, stage: str
) -> None:
    os2("machine", "create", "--no-wait")
    os2("machine", "create", "--no-wait")
    foreign = engine.create_container(sandbox_image(), labels={"team": "other"})["Id"]
    try:
        result = os2("machine", "rm", "--all", "--stage", stage, "--yes", "--json")

        assert [item["outcome"] for item in result.json()] == ["removed", "removed"]
        assert containers_of(engine, stage) == []
        assert engine.inspect_container(foreign)["Id"] == foreign
    finally:
        engine.remove_container(foreign)


def test_a_foreign_container_is_not_a_machine(os2: Os2, engine: docker.APIClient) -> None:
    name = "not-ours"
    foreign = engine.create_container(sandbox_image(), name=f"os2-{name}")["Id"]
    try:
        shown = os2("machine", "show", name)
        created = os2("machine", "create", name)
        removed = os2("machine", "rm", name)

        assert (shown.status, created.status, removed.status) == (3, 5, 3)
        assert engine.inspect_container(foreign)["Id"] == foreign
    finally:
        engine.remove_container(foreign)


def test_a_list_in_a_pipe_is_plain_and_whole(os2: Os2, stage: str) -> None:
    name = "n" * 63
    os2("machine", "create", name, "--no-wait")

    listed = os2("machine", "list", "--stage", stage, env={"COLUMNS": "40"})
    quiet = os2("machine", "ls", "-q", "--stage", stage)

    heading, row = listed.stdout.splitlines()
    assert heading.split() == ["NAME", "STATE", "URL", "TYPE", "STAGE", "SNAPSHOT", "CREATED"]
    assert row.startswith(f"{name} ")
    assert quiet.stdout == f"{name}\n"


def test_rm_of_several_reports_each_outcome(os2: Os2, stage: str) -> None:
    machine = os2("machine", "create", "--no-wait", "-q").stdout.strip()

    result = os2("machine", "rm", machine, "no-such-machine")

    assert result.status == 7
    assert result.stdout == f"removed {machine}\n"
    assert "machine no-such-machine not found" in result.stderr


def test_names_are_completed_with_live_machines(os2: Os2) -> None:
    machine = os2("machine", "create", "--no-wait", "-q").stdout.strip()

    words = {"COMP_WORDS": f"os2 machine rm {machine[:4]}", "COMP_CWORD": "3"}

    assert machine in os2.completed(words)


def test_stale_images_are_reported_and_used(os2: Os2, repository: Path, image_tag: str) -> None:
    (repository / "sandbox").mkdir()
    (repository / "sandbox" / "Dockerfile").write_text(
        f"ARG BASE_IMAGE={sandbox_image()}\nFROM ${{BASE_IMAGE}}\nCOPY note.txt /home/node/\n"
    )
    (repository / "note.txt").write_text("one")
    env = {"LOCAL_DOCKER_IMAGE_NAME": image_tag}
    assert os2("snapshot", "local-docker", env=env).status == 0

    (repository / "note.txt").write_text("two")
    stale = os2("machine", "create", env=env)
    fresh = os2("machine", "create", "--build", env=env)

    assert stale.status == fresh.status == 0, stale.stderr + fresh.stderr
    assert f"warning: image {image_tag} is out of date" in stale.stderr
    assert "out of date" not in fresh.stderr


def test_a_killed_create_frees_its_name_at_once(
    os2: Os2, engine: docker.APIClient, stage: str
) -> None:
    name = stage.removeprefix("dev-")
    process = os2.start("machine", "create", name)
    until(lambda: containers_of(engine, stage), 30)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)

    again = os2("up", name, "--json")

    assert again.status == 0, again.stderr
    assert again.json()["health"] == "healthy"


@pytest.mark.parametrize("form", [(), ("--json",), ("-q",)], ids=str)
def test_a_closed_reader_ends_it_quietly(os2: Os2, form: tuple[str, ...]) -> None:
    os2("machine", "create", "--no-wait", "-q")

    result = os2.unread("machine", "list", *form)

    assert (result.status, result.stderr) == (141, "")
