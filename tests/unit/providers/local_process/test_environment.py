"""What a machine of this host contains, and what of the host it does not."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from os2cli.core.models import Command, Streams
from os2cli.host.ports import loopback_addresses
from tests.unit.providers.local_process.conftest import SANDBOX, Host

SECRET = "s3cret-of-the-user"


def variables(host: Host, name: str = "m") -> dict[str, str]:
    _, said = host.run(name, "env", "-0")
    return dict(line.split("=", 1) for line in said.split("\0") if "=" in line)


def test_it_has_the_variables_that_were_given_and_its_own(shared: Host) -> None:
    found = variables(shared)

    folder = shared.folder()
    assert found["GREETING"] == "hello"
    assert found["HOME"] == str(folder / "home")
    assert found["OS2_MACHINE_NAME"] == "m"
    assert found["ITERATE_DEV"] == "true"
    assert found["ITERATE_REPO_DIR"] == str(folder / "repo")
    assert found["PATH"].split(":")[0] == str(folder / "bin")


def test_nothing_else_of_the_host_s_environment_is_there(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "NODE_OPTIONS", "PYTHONPATH", "SOME_VARIABLE"):
        monkeypatch.setenv(name, "canary")
    host.create()

    environments = []
    for process in host.processes(host.record()):
        with suppress(psutil.NoSuchProcess):  # a program of the services' start
            environments.append(process.environ())

    assert len(environments) > 1
    assert not [env for env in environments if "canary" in env.values()]


def test_secrets_are_in_no_command_line_and_in_no_file_of_others(shared: Host) -> None:
    shared.run("m", "true")
    for process in psutil.process_iter(["cmdline"]):
        assert SECRET not in " ".join(process.info["cmdline"] or [])

    holders = [
        path
        for path in shared.folder().rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert [path.name for path in holders] == ["machine.json"]
    assert holders[0].stat().st_mode & 0o777 == 0o600
    assert shared.folder().stat().st_mode & 0o777 == 0o700


def test_a_service_s_answers_hide_them(shared: Host) -> None:
    assert SECRET not in repr(shared.record())


def test_everything_listens_on_loopback_alone(shared: Host) -> None:
    pids = {process.pid for process in shared.processes(shared.record())}
    listening = [
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.pid in pids and connection.laddr and connection.status == psutil.CONN_LISTEN
    ]

    assert set(listening) == set(loopback_addresses())


def test_it_says_that_it_is_not_isolated_and_where_it_is_from(shared: Host) -> None:
    machine = shared.provider.get("m")

    assert not machine.isolated
    assert machine.snapshot == str(SANDBOX)


def test_a_command_s_own_variables_win_and_relative_folders_are_the_repository_s(
    shared: Host,
) -> None:
    (shared.folder() / "repo" / "below").mkdir(exist_ok=True)
    said = io.BytesIO()
    command = Command(("sh", "-c", "echo $GREETING; pwd"), {"GREETING": "hi"}, "below")

    shared.provider.execute("m", command, Streams(said, said))

    assert said.getvalue().decode().split() == ["hi", str(shared.folder() / "repo" / "below")]


def test_node_is_new_enough_and_git_has_a_user(shared: Host) -> None:
    _, version = shared.run("m", "node", "-p", "process.versions.node")
    _, name = shared.run("m", "git", "config", "user.name")

    assert int(version.split(".")[0]) >= 22
    assert name == "iterate\n"


def test_a_working_tree_is_taken_as_it_is(host: Host, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_text("of the host")

    host.create("m", mount_repo=tree)
    code, said = host.run("m", "sh", "-c", "pwd; cat file; echo changed > file")

    assert (code, said) == (0, f"{tree}\nof the host")
    assert (tree / "file").read_text() == "changed\n"


def test_its_page_knows_its_services_on_their_own_ports(shared: Host) -> None:
    _, said = shared.run("m", "curl", "-s", f"http://127.0.0.1:{shared.record().port}/api/services")
    ports = {service["name"]: service["port"] for service in json.loads(said)["services"]}

    assert ports == {
        "iterate-server": shared.record().port,
        "example-service-a": shared.record().ports["EXAMPLE_SERVICE_A_PORT"],
        "example-service-b-depends-on-a": shared.record().ports[
            "EXAMPLE_SERVICE_B_DEPENDS_ON_A_PORT"
        ],
    }
