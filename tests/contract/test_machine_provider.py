"""What every provider of machines promises; see ``os2cli.machines.provider``."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from os2cli.core.errors import Conflict, NotFound, Os2Error
from os2cli.core.models import Health, Machine, MachineState
from os2cli.machines.health import wait_until_healthy
from tests.contract.conftest import Subject

HEALTHY_SECONDS = 60


def test_a_created_machine_runs_with_the_requested_properties(subject: Subject) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)

    machine = subject.create("a", labels={"team": "core"})

    assert machine.state is MachineState.RUNNING
    assert machine.name == subject.name("a")
    assert machine.type is subject.provider.type
    assert machine.stage == "dev-test"
    assert machine.snapshot == subject.image
    assert machine.owner == "tester"
    assert machine.labels == {"team": "core"}
    assert before <= machine.created <= datetime.now(UTC)


def test_it_is_listed_and_found_by_its_name(subject: Subject) -> None:
    machine = subject.provider.create(subject.spec("a"))

    assert subject.names() == [machine.name]
    assert subject.provider.get(machine.name).id == machine.id


def test_an_unknown_name_is_not_found(subject: Subject) -> None:
    with pytest.raises(NotFound) as caught:
        subject.provider.get(subject.name("none"))

    assert subject.name("none") in caught.value.message
    assert caught.value.hint


def test_a_taken_name_is_a_conflict_and_the_machine_stays(subject: Subject) -> None:
    machine = subject.create("a")

    with pytest.raises(Conflict) as caught:
        subject.provider.create(subject.spec("a"))

    assert caught.value.code == "machine_exists"
    assert subject.provider.get(machine.name).id == machine.id
    assert subject.provider.get(machine.name).state is MachineState.RUNNING


def test_of_two_creates_of_one_name_one_wins(subject: Subject) -> None:
    start = threading.Barrier(2)

    def create(_: int) -> Machine | Os2Error:
        start.wait()
        try:
            return subject.provider.create(subject.spec("a"))
        except Os2Error as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(create, range(2)))

    assert sorted(type(o).__name__ for o in outcomes) == ["Conflict", "Machine"]
    assert subject.names() == [subject.name("a")]


def test_a_missing_snapshot_is_not_found_and_leaves_nothing(subject: Subject) -> None:
    with pytest.raises(NotFound) as caught:
        subject.provider.create(subject.spec("a", snapshot="os2-no-such-image:none"))

    assert "os2-no-such-image:none" in caught.value.message
    assert subject.names() == []


def test_it_becomes_healthy(subject: Subject) -> None:
    machine = subject.provider.create(subject.spec("a"))

    machine = wait_until_healthy(subject.provider, machine, HEALTHY_SECONDS)

    assert machine.health is Health.HEALTHY
    assert machine.url is not None
    assert machine.url == subject.provider.address(machine)


def test_stop_and_start_keep_the_port_and_the_identity(subject: Subject) -> None:
    machine = subject.create("a")

    stopped = subject.provider.stop(machine.name)
    started = subject.provider.start(machine.name)

    assert stopped.state is MachineState.STOPPED
    assert started.state is MachineState.RUNNING
    assert (started.id, started.port) == (machine.id, machine.port)


def test_a_stopped_machine_is_still_listed_and_does_not_answer(subject: Subject) -> None:
    machine = subject.create("a")

    stopped = subject.provider.stop(machine.name)

    assert subject.names() == [machine.name]
    assert subject.provider.probe(stopped) is Health.NONE


def test_stopping_and_starting_are_idempotent(subject: Subject) -> None:
    name = subject.create("a").name

    subject.provider.start(name)
    subject.provider.stop(name)

    assert subject.provider.stop(name).state is MachineState.STOPPED
    assert subject.provider.start(name).state is MachineState.RUNNING
    assert subject.provider.start(name).state is MachineState.RUNNING


def test_the_port_of_a_stopped_machine_is_not_given_away(subject_with_ports: Subject) -> None:
    first = subject_with_ports.provider.create(subject_with_ports.spec("a"))
    subject_with_ports.provider.stop(first.name)

    with pytest.raises(Conflict) as caught:
        subject_with_ports.provider.create(subject_with_ports.spec("b", port=first.port))

    assert caught.value.code == "port_taken"
    assert first.name in caught.value.message


def test_a_stopped_machine_starts_on_another_port(subject_with_ports: Subject) -> None:
    provider = subject_with_ports.provider
    machine = provider.create(subject_with_ports.spec("a"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        with pytest.raises(Conflict) as running:
            provider.start_on(machine.name, taken)
        provider.stop(machine.name)
        with pytest.raises(Conflict) as conflict:
            provider.start_on(machine.name, taken)

    moved = provider.start_on(machine.name, taken)

    assert (running.value.code, conflict.value.code) == ("machine_running", "port_taken")
    # Without --port it starts on the port that it has.
    assert "get a free one" not in (conflict.value.hint or "")
    assert (moved.name, moved.port, moved.state) == (machine.name, taken, MachineState.RUNNING)
    assert provider.get(machine.name).port == taken
    assert [each.name for each in provider.list()].count(machine.name) == 1
    assert provider.start_on(machine.name, taken).port == taken
    assert provider.remove(machine.name)


def test_a_port_that_another_program_has_is_a_conflict(subject_with_ports: Subject) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(Conflict) as caught:
            subject_with_ports.provider.create(subject_with_ports.spec("a", port=port))

    assert caught.value.exit_code == 5
    assert str(port) in caught.value.message
    assert subject_with_ports.names() == []


def test_machines_created_concurrently_get_different_ports(subject_with_ports: Subject) -> None:
    names = [f"m{number}" for number in range(5)]

    with ThreadPoolExecutor(len(names)) as pool:
        machines = list(
            pool.map(
                lambda n: subject_with_ports.provider.create(subject_with_ports.spec(n)), names
            )
        )

    assert len({machine.port for machine in machines}) == len(names)


def test_a_removed_machine_is_gone_and_its_name_free(subject: Subject) -> None:
    first = subject.create("a")

    removed = subject.provider.remove(first.name)
    second = subject.create("a")

    assert removed
    assert second.id != first.id


def test_removing_a_missing_machine_succeeds(subject: Subject) -> None:
    assert subject.provider.remove(subject.name("none")) is False


def test_the_log_ends_with_what_the_machine_wrote_last(subject: Subject) -> None:
    machine = subject.provider.create(subject.spec("a"))
    wait_until_healthy(subject.provider, machine, HEALTHY_SECONDS)

    tail = subject.provider.log_tail(machine.name, 2)

    assert 1 <= len(tail) <= 2
    assert all("\n" not in line for line in tail)


def test_the_usage_of_a_running_machine_is_plausible_and_within_its_limits(
    subject: Subject,
) -> None:
    machine = subject.create("used")

    usage = subject.provider.usage(machine, disk=True)

    limits = usage.limits
    assert usage.cpu_percent is None or usage.cpu_percent >= 0
    assert usage.processes is None or 0 < usage.processes <= (limits.processes or 1_000)
    assert usage.memory_bytes is None or 0 < usage.memory_bytes <= (limits.memory_bytes or 2**40)
    assert usage.disk_bytes is None or usage.disk_bytes >= 0
    assert subject.provider.memory_kills(machine) == 0


def test_a_machine_that_was_removed_leaves_no_remnants(subject: Subject) -> None:
    machine = subject.create("gone")
    before = [each.name for each in subject.provider.remnants()]

    subject.provider.remove(machine.name)

    assert machine.name not in before
    assert machine.name not in [each.name for each in subject.provider.remnants()]
