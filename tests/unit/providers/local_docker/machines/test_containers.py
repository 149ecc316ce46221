"""Machines as containers: the requests to the engine, and what its answers mean."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker
import pytest

from os2cli import __version__
from os2cli.core.limits import Isolation, Limits
from os2cli.core.models import LOCAL_DOCKER, Health, MachineSpec, MachineState
from os2cli.providers import labels
from os2cli.providers.local_docker.machines.containers import (
    Surroundings,
    container_name,
    container_request,
    machine_environment,
    machine_from_inspection,
    machine_labels,
)

CREATED = datetime(2026, 1, 11, 19, 30, 45, tzinfo=UTC)
SPEC = MachineSpec(name="dev-1", stage="dev-jonas", snapshot="sandbox:local", owner="jonas@laptop")


def spec(**changes: Any) -> MachineSpec:
    return MachineSpec(
        **{"name": "dev-1", "stage": "dev-jonas", "snapshot": "sandbox:local", **changes}
    )


def request(
    machine: MachineSpec, port: int = 10123, around: Surroundings | None = None
) -> dict[str, Any]:
    """Return the real SDK's client, which does not connect until its first request."""
    client = docker.APIClient("tcp://127.0.0.1:1", version="1.41")
    try:
        return container_request(client, machine, port, CREATED, around or Surroundings())
    finally:
        client.close()


def inspection(**changes: Any) -> dict[str, Any]:
    """Return an engine's inspection of a machine's container."""
    found: dict[str, Any] = {
        "Id": "f00d" * 16,
        "Name": "/os2-dev-1",
        "Created": "2026-01-11T19:30:44.123456789Z",
        "State": {"Status": "running", "ExitCode": 0, "Health": {"Status": "healthy"}},
        "Config": {"Labels": machine_labels(SPEC, 10123, CREATED)},
        "HostConfig": {
            "PortBindings": {
                "3000/tcp": [
                    {"HostIp": address, "HostPort": "10123"} for address in ("127.0.0.1", "::1")
                ]
            }
        },
    }
    return {**found, **changes}


class TestRequest:
    def test_the_port_is_published_on_loopback_only(self) -> None:
        asked = request(SPEC)

        assert asked["ports"] == [3000]
        assert asked["host_config"]["PortBindings"] == {
            "3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "10123"}]
        }

    def test_name_host_name_and_image_come_from_the_specification(self) -> None:
        asked = request(SPEC)

        assert (asked["name"], asked["hostname"]) == ("os2-dev-1", "dev-1")
        assert asked["image"] == "sandbox:local"
        assert container_name("x") == "os2-x"

    def test_a_host_name_has_at_most_63_characters(self) -> None:
        assert len(request(spec(name="x" * 64))["hostname"]) == 63

    def test_it_is_published_on_each_loopback_address(self) -> None:
        around = Surroundings(addresses=("127.0.0.1", "::1"))

        asked = request(SPEC, around=around)["host_config"]["PortBindings"]
        without = request(SPEC, around=around.without_ipv6())["host_config"]["PortBindings"]

        assert [each["HostIp"] for each in asked["3000/tcp"]] == ["127.0.0.1", "::1"]
        assert [each["HostIp"] for each in without["3000/tcp"]] == ["127.0.0.1"]

    def test_its_network_and_what_stays_writable_are_those_around_it(self) -> None:
        asked = request(SPEC, around=Surroundings(network="f00d", volumes=("/home/node",)))

        assert asked["host_config"]["NetworkMode"] == "f00d"
        assert asked["volumes"] == ["/home/node"]

    def test_no_directory_of_the_host_is_mounted(self) -> None:
        asked = request(spec(mount_repo=Path("/home/me/re:po")))

        assert asked["volumes"] == ["/mnt/repo"]
        assert not {"Binds", "Mounts"} & set(asked["host_config"])


class TestEnvironment:
    def test_defaults_are_there(self) -> None:
        assert machine_environment(SPEC) == {
            "ITERATE_DEV": "true",
            "OS2_MACHINE_NAME": "dev-1",
            "OS2_SNAPSHOT": "sandbox:local",
        }

    def test_the_users_variables_win_and_are_unchanged(self) -> None:
        env = {"ITERATE_DEV": "false", "KEY": "-----BEGIN\nx\r\n\t=$HOME", "EMPTY": ""}

        found = machine_environment(spec(env=env))

        assert {name: found[name] for name in env} == env
        assert request(spec(env=env))["environment"] == found


class TestLabels:
    def test_every_one_of_behaviour_is_there(self) -> None:
        assert machine_labels(SPEC, 10123, CREATED) == {
            "dev.os2.machine": "1",
            "dev.os2.name": "dev-1",
            "dev.os2.stage": "dev-jonas",
            "dev.os2.type": "local-docker",
            "dev.os2.snapshot": "sandbox:local",
            "dev.os2.owner": "jonas@laptop",
            "dev.os2.created": "2026-01-11T19:30:45Z",
            "dev.os2.version": __version__,
            "dev.os2.port": "10123",
            "dev.os2.isolation": "default",
            "dev.os2.labels": "[]",
        }

    def test_the_users_are_there_but_can_not_replace_ours(self) -> None:
        found = machine_labels(spec(labels={"team": "core", labels.NAME: "other"}), 1, CREATED)

        assert (found["team"], found[labels.NAME]) == ("core", "dev-1")

    def test_ours_begin_with_the_reserved_prefix(self) -> None:
        ours = [
            value
            for name, value in vars(labels).items()
            if name.isupper() and isinstance(value, str)
        ]

        assert all(value.startswith(labels.RESERVED_PREFIX) for value in ours)
        assert len(set(ours)) == len(ours)


class TestMachine:
    def test_it_is_what_was_asked_for(self) -> None:
        machine = machine_from_inspection(inspection())

        assert (machine.id, machine.name) == ("f00d" * 16, "dev-1")
        assert machine.type == LOCAL_DOCKER
        assert (machine.stage, machine.snapshot) == (SPEC.stage, SPEC.snapshot)
        assert (machine.owner, machine.created) == (SPEC.owner, CREATED)
        assert (machine.port, machine.url) == (10123, "http://localhost:10123")
        assert (machine.state, machine.health) == (MachineState.RUNNING, Health.HEALTHY)
        assert (machine.repository, machine.image_key) == (None, None)

    def test_a_published_address_that_no_one_forwards_is_not_in_its_url(self) -> None:
        """As with an engine in a virtual machine that forwards IPv4 alone."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            both = [{"HostIp": each, "HostPort": str(port)} for each in ("127.0.0.1", "::1")]
            host = {"PortBindings": {"3000/tcp": both}}

            assert machine_from_inspection(inspection(HostConfig=host)).url == (
                f"http://127.0.0.1:{port}"
            )

    @pytest.mark.parametrize(
        ("built_as", "key"), [("sandbox:local", "k"), ("other:local", None), ("", None)]
    )
    def test_whose_it_is_comes_from_its_labels(self, built_as: str, key: str | None) -> None:
        """An image that a user built on one of ours has our labels with another name."""
        found = inspection()
        found["Config"]["Labels"] |= {
            labels.IMAGE_KEY: "k", labels.IMAGE_NAME: built_as, labels.IMAGE_REPOSITORY: "r"
        }  # fmt: skip

        machine = machine_from_inspection(found)

        assert (machine.repository, machine.image_key) == ("r", key)

    def test_a_repository_that_it_is_created_for_is_on_its_label(self) -> None:
        marks = machine_labels(spec(repository="mine"), 1, CREATED)

        assert marks[labels.IMAGE_REPOSITORY] == "mine"

    def test_only_the_users_labels_are_shown(self) -> None:
        marks = machine_labels(spec(labels={"team": "core", "a,b": "c"}), 10123, CREATED)
        marks |= {"org.opencontainers.image.title": "x", "io.buildah.version": "1"}

        machine = machine_from_inspection(inspection(Config={"Labels": marks}))

        assert machine.labels == {"team": "core", "a,b": "c"}

    @pytest.mark.parametrize("text", ["", "{", "null", "7", "[[]]", '["gone"]'])
    def test_a_list_of_them_that_makes_no_sense_shows_none(self, text: str) -> None:
        machine = machine_from_inspection(inspection(Config={"Labels": {labels.USERS_OWN: text}}))

        assert machine.labels == {}

    @pytest.mark.parametrize("marks", [None, {}])
    def test_without_labels_it_has_the_containers_name(self, marks: dict[str, str] | None) -> None:
        machine = machine_from_inspection(inspection(Config={"Labels": marks}))

        assert machine.name == "os2-dev-1"
        assert (machine.stage, machine.labels) == ("", {})

    @pytest.mark.parametrize(
        ("status", "exit_code", "state"),
        [
            ("created", 0, MachineState.CREATING),
            ("running", 0, MachineState.RUNNING),
            ("restarting", 1, MachineState.RUNNING),
            ("paused", 0, MachineState.PAUSED),
            ("removing", 0, MachineState.REMOVING),
            ("dead", 0, MachineState.FAILED),
            ("exited", 0, MachineState.STOPPED),
            ("exited", 130, MachineState.STOPPED),
            ("exited", 137, MachineState.STOPPED),
            ("exited", 143, MachineState.STOPPED),
            ("exited", 1, MachineState.FAILED),
            ("exited", 127, MachineState.FAILED),
            ("something new", 0, MachineState.UNKNOWN),
        ],
    )
    def test_its_state_is_one_of_ours(
        self, status: str, exit_code: int, state: MachineState
    ) -> None:
        found = inspection(State={"Status": status, "ExitCode": exit_code})

        assert machine_from_inspection(found).state is state

    @pytest.mark.parametrize(
        ("state", "health"),
        [
            ({"Status": "running", "Health": {"Status": "healthy"}}, Health.HEALTHY),
            ({"Status": "running", "Health": {"Status": "starting"}}, Health.STARTING),
            ({"Status": "running", "Health": {"Status": "unhealthy"}}, Health.STARTING),
            ({"Status": "running", "Health": None}, Health.STARTING),
            ({"Status": "running"}, Health.STARTING),
            ({"Status": "exited", "ExitCode": 0, "Health": {"Status": "healthy"}}, Health.NONE),
            ({"Status": "paused", "Health": {"Status": "healthy"}}, Health.NONE),
        ],
    )
    def test_its_health_is_what_the_engine_saw_while_it_runs(
        self, state: dict[str, Any], health: Health
    ) -> None:
        assert machine_from_inspection(inspection(State=state)).health is health

    @pytest.mark.parametrize(
        "bindings",
        [None, {}, {"3000/tcp": None}, {"3000/tcp": [{"HostPort": ""}]}, {"80/tcp": [{}]}],
    )
    def test_without_a_published_port_it_has_no_address(
        self, bindings: dict[str, Any] | None
    ) -> None:
        machine = machine_from_inspection(inspection(HostConfig={"PortBindings": bindings}))

        assert (machine.port, machine.url) == (None, None)

    @pytest.mark.parametrize(
        ("label", "engine", "created"),
        [
            ("2026-01-11T19:30:45Z", "2020-01-01T00:00:00Z", CREATED),
            ("", "2026-01-11T19:30:45.123456789Z", CREATED),
            ("nonsense", "2026-01-11T19:30:45Z", CREATED),
            ("", "2026-01-11T20:30:45.1234+01:00", CREATED),
            ("", "2026-01-11T20:30:45+01:00", CREATED),
            ("", "2026-01-11T19:30:45", CREATED),
            ("", "", datetime(1970, 1, 1, tzinfo=UTC)),
        ],
        ids=[
            "our label",
            "nanoseconds",
            "label that is no time",
            "Podman",
            "Podman without a fraction",
            "no zone",
            "neither",
        ],
    )
    def test_its_age_is_read_from_our_label_or_else_from_the_engine(
        self, label: str, engine: str, created: datetime
    ) -> None:
        found = inspection(Created=engine, Config={"Labels": {labels.CREATED: label}})

        machine = machine_from_inspection(found)

        assert machine.created == created
        assert machine.created.tzinfo is UTC


class TestIsolation:
    def test_the_label_tells_it_and_the_engine_the_limits(self) -> None:
        host = {
            "PortBindings": {},
            "Memory": 2**31,
            "NanoCpus": 1_500_000_000,
            "PidsLimit": 2048,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        }

        machine = machine_from_inspection(inspection(HostConfig=host))

        assert machine.isolation is Isolation.DEFAULT
        assert machine.limits == Limits(1.5, 2**31, 2048, log_bytes=30 * 2**20)

    @pytest.mark.parametrize("label", [None, "", "other"])
    def test_without_a_known_label_the_engine_decided(self, label: str | None) -> None:
        marks = machine_labels(SPEC, 10123, CREATED) | {labels.ISOLATION: label}
        known = {name: value for name, value in marks.items() if value is not None}

        machine = machine_from_inspection(inspection(Config={"Labels": known}))

        assert (machine.isolation, machine.limits) == (Isolation.OFF, Limits())

    @pytest.mark.parametrize("killed", [True, False])
    def test_one_that_was_killed_for_memory_has_failed(self, killed: bool) -> None:
        state = {"Status": "exited", "ExitCode": 137, "OOMKilled": killed}

        found = machine_from_inspection(inspection(State=state))

        assert found.state is (MachineState.FAILED if killed else MachineState.STOPPED)

    @pytest.mark.parametrize("killed", [True, False])
    def test_a_stopped_machine_tells_whether_memory_ended_it(self, killed: bool) -> None:
        state = {"Status": "exited", "ExitCode": 1, "OOMKilled": killed}

        assert machine_from_inspection(inspection(State=state)).memory_kills == int(killed)
