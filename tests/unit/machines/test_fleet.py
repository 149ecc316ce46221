"""Several providers at once, and what is reported when some do not answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import pytest

from os2cli.core.errors import (
    Conflict,
    NotFound,
    OperationFailed,
    Os2Error,
    Unreachable,
    UsageError,
)
from os2cli.core.models import (
    DAYTONA,
    LOCAL_DOCKER,
    Health,
    Machine,
    MachineSpec,
    MachineState,
    MachineType,
)
from os2cli.host.concurrency import NAMES_SECONDS
from os2cli.machines.fleet import (
    Fleet,
    NotLocated,
    fleet_names,
    list_fleet,
    locate,
    locate_all,
    located,
    remove_located,
)
from os2cli.machines.health import ALL, LIST_ALONE, Glance, with_health
from tests.contract.memory import MemoryMachines

if TYPE_CHECKING:
    import builtins

LOCAL = LOCAL_DOCKER
MEET_SECONDS = 10
LOCAL_DOWN = Unreachable("no engine answers")
DAYTONA_DOWN = Unreachable("the API does not answer")


class Machines(MemoryMachines):
    """Machines of one type; ``down`` is the error of a provider that is unreachable."""

    def __init__(
        self, type_: MachineType, *names: str, stage: str = "dev-a", down: Os2Error | None = None
    ) -> None:
        super().__init__()
        self.type = type_
        self.down = down
        for name in names:
            self.add(name, stage)

    def add(self, name: str, stage: str) -> None:
        self.create(MachineSpec(name=name, stage=stage, snapshot="iterate-sandbox:local"))

    def list(self) -> builtins.list[Machine]:
        self.refuse()
        return super().list()

    def get(self, name: str) -> Machine:
        self.refuse()
        return super().get(name)

    def remove(self, name: str, within: float | None = None) -> bool:
        self.refuse()
        return super().remove(name, within)

    def refuse(self) -> None:
        if self.down is not None:
            raise self.down


class Counted(Machines):
    """Counts what is asked of each machine; the list has neither health nor URLs."""

    def __init__(self, type_: MachineType, *names: str) -> None:
        super().__init__(type_, *names)
        self.probed: builtins.list[str] = []
        self.addressed: builtins.list[str] = []

    def list(self) -> builtins.list[Machine]:
        return [replace(machine, health=Health.NONE, url=None) for machine in super().list()]

    def probe(self, machine: Machine) -> Health:
        self.probed.append(machine.name)
        return super().probe(machine)

    def address(self, machine: Machine) -> str | None:
        self.addressed.append(machine.name)
        return super().address(machine)


def fleet(*providers: MemoryMachines) -> Fleet:
    def maker(provider: MemoryMachines) -> Callable[[], MemoryMachines]:
        return lambda: provider

    return {provider.type: maker(provider) for provider in providers}


def unmade(error: Os2Error) -> Callable[[], NoReturn]:
    """Return a factory of a provider whose settings are invalid."""

    def make() -> NoReturn:
        raise error

    return make


def find_in_fleet(fleet: Fleet, name: str, stage: str | None = None) -> Machine:
    """Return one machine with its current health."""
    place = locate(fleet, name, stage)
    return with_health(place.provider, place.machine)


def names(machines: Iterable[Machine]) -> list[tuple[str, MachineType]]:
    return [(machine.name, machine.type) for machine in machines]


class TestList:
    def test_all_are_listed_by_name_with_their_health(self) -> None:
        local, remote = Machines(LOCAL, "c", "a"), Machines(DAYTONA, "b", "a")
        local.set_state("c", MachineState.STOPPED)

        found = list_fleet(fleet(remote, local))

        assert [(m.name, m.type, m.health) for m in found.machines] == [
            ("a", DAYTONA, Health.HEALTHY),
            ("a", LOCAL, Health.HEALTHY),
            ("b", DAYTONA, Health.HEALTHY),
            ("c", LOCAL, Health.NONE),
        ]
        assert (found.partial, dict(found.failures)) == (False, {})

    @pytest.mark.parametrize(
        ("glance", "probed", "addressed"),
        [
            (ALL, ["a", "b"], ["a", "b"]),
            (LIST_ALONE, [], []),
            (Glance(url=False), ["a", "b"], []),
            (Glance(health=False), [], ["a", "b"]),
            (Glance(shown=lambda machine: machine.name == "b"), ["b"], ["b"]),
            (Glance(shown=lambda _: False), [], []),
        ],
    )
    def test_only_what_is_shown_is_asked_for(
        self, glance: Glance, probed: list[str], addressed: list[str]
    ) -> None:
        remote = Counted(DAYTONA, "a", "b")

        found = list_fleet(fleet(remote), glance=glance)

        assert names(found.machines) == [("a", DAYTONA), ("b", DAYTONA)]
        assert (sorted(remote.probed), sorted(remote.addressed)) == (probed, addressed)
        healthy = [m.name for m in found.machines if m.health is Health.HEALTHY]
        assert healthy == probed

    def test_only_those_of_a_stage(self) -> None:
        local, remote = Machines(LOCAL, "a"), Machines(DAYTONA, "b")
        local.add("c", "dev-b")
        remote.add("d", "dev-b")

        found = list_fleet(fleet(local, remote), "dev-b")

        assert names(found.machines) == [("c", LOCAL), ("d", DAYTONA)]

    def test_one_that_does_not_answer_does_not_hide_the_others(self) -> None:
        local, remote = Machines(LOCAL, "a", down=LOCAL_DOWN), Machines(DAYTONA, "b")

        found = list_fleet(fleet(local, remote))

        assert names(found.machines) == [("b", DAYTONA)]
        assert found.partial
        assert dict(found.failures) == {LOCAL: LOCAL_DOWN}

    def test_a_provider_without_machines_has_answered(self) -> None:
        found = list_fleet(fleet(Machines(LOCAL, down=LOCAL_DOWN), Machines(DAYTONA)))

        assert (found.machines, found.partial) == ((), True)

    def test_one_that_can_not_even_be_made_is_one_that_does_not_answer(self) -> None:
        wrong = UsageError("DOCKER_HOST is wrong")

        found = list_fleet({LOCAL: unmade(wrong), **fleet(Machines(DAYTONA, "b"))})

        assert names(found.machines) == [("b", DAYTONA)]
        assert dict(found.failures) == {LOCAL: wrong}

    def test_when_none_answers_the_first_failure_is_raised(self) -> None:
        both = fleet(Machines(LOCAL, down=LOCAL_DOWN), Machines(DAYTONA, down=DAYTONA_DOWN))

        with pytest.raises(Unreachable) as caught:
            list_fleet(both)

        assert caught.value is LOCAL_DOWN

    def test_the_failure_of_the_only_one_is_raised(self) -> None:
        with pytest.raises(Unreachable) as caught:
            list_fleet(fleet(Machines(DAYTONA, down=DAYTONA_DOWN)))

        assert caught.value is DAYTONA_DOWN

    def test_a_bug_is_not_taken_for_a_provider_that_does_not_answer(self) -> None:
        def broken() -> NoReturn:
            raise RuntimeError("a bug")

        with pytest.raises(RuntimeError, match="a bug"):
            list_fleet({LOCAL: broken, **fleet(Machines(DAYTONA, "b"))})

    def test_without_providers_there_is_nothing(self) -> None:
        assert list_fleet({}).machines == ()

    def test_they_are_asked_side_by_side(self) -> None:
        both = threading.Barrier(2)

        found = list_fleet(fleet(Meeting(LOCAL, both), Meeting(DAYTONA, both)))

        assert names(found.machines) == [("m", DAYTONA), ("m", LOCAL)]

    def test_they_are_made_side_by_side(self) -> None:
        both = threading.Barrier(2)

        def make(type_: MachineType) -> Callable[[], Machines]:
            def made() -> Machines:
                both.wait(MEET_SECONDS)
                return Machines(type_, "m")

            return made

        found = list_fleet({LOCAL: make(LOCAL), DAYTONA: make(DAYTONA)})

        assert len(found.machines) == 2


class Meeting(Machines):
    """Machines that answer only once all providers are asked at the same time."""

    def __init__(self, type_: MachineType, barrier: threading.Barrier) -> None:
        super().__init__(type_, "m")
        self.barrier = barrier

    def list(self) -> builtins.list[Machine]:
        self.barrier.wait(MEET_SECONDS)
        return super().list()

    def get(self, name: str) -> Machine:
        self.barrier.wait(MEET_SECONDS)
        return super().get(name)


class TestFind:
    @pytest.mark.parametrize("where", [LOCAL, DAYTONA])
    def test_one_is_found_wherever_it_is_with_its_health(self, where: MachineType) -> None:
        other = DAYTONA if where is LOCAL else LOCAL

        found = find_in_fleet(fleet(Machines(other, "b"), Machines(where, "a")), "a")

        assert (found.name, found.type, found.health) == ("a", where, Health.HEALTHY)

    def test_one_is_found_although_another_provider_does_not_answer(self) -> None:
        both = fleet(Machines(LOCAL, down=LOCAL_DOWN), Machines(DAYTONA, "a"))

        assert find_in_fleet(both, "a").type is DAYTONA

    def test_one_that_none_has_is_not_found(self) -> None:
        with pytest.raises(NotFound) as caught:
            find_in_fleet(fleet(Machines(LOCAL, "a"), Machines(DAYTONA, "b")), "c")

        error = caught.value
        assert (error.code, error.message) == ("machine_not_found", "machine c not found")
        assert error.hint == "list the machines: os2 machine list"

    def test_one_of_another_stage_is_not_found(self) -> None:
        with pytest.raises(NotFound, match="machine a not found in stage dev-b"):
            find_in_fleet(fleet(Machines(LOCAL, "a"), Machines(DAYTONA)), "a", "dev-b")

    def test_a_machine_is_not_missing_while_a_provider_is_unreachable(self) -> None:
        both = fleet(Machines(LOCAL, "b"), Machines(DAYTONA, "a", down=DAYTONA_DOWN))

        with pytest.raises(Unreachable) as caught:
            find_in_fleet(both, "a")

        assert caught.value is DAYTONA_DOWN

    def test_a_name_that_two_have_is_ambiguous(self) -> None:
        with pytest.raises(Conflict) as caught:
            find_in_fleet(fleet(Machines(LOCAL, "a"), Machines(DAYTONA, "a")), "a")

        error = caught.value
        assert error.code == "machine_ambiguous"
        assert error.message == "machine a exists on local-docker and daytona"
        assert error.hint == "choose one: --type local-docker"

    def test_a_stage_can_tell_two_of_one_name_apart(self) -> None:
        local, remote = Machines(LOCAL, "a"), Machines(DAYTONA, "a", stage="dev-b")

        assert find_in_fleet(fleet(local, remote), "a", "dev-b").type is DAYTONA

    def test_they_are_asked_side_by_side(self) -> None:
        both = threading.Barrier(2)

        with pytest.raises(Conflict):
            find_in_fleet(fleet(Meeting(LOCAL, both), Meeting(DAYTONA, both)), "m")


class TestRemove:
    def test_each_has_an_outcome_in_the_order_that_was_asked_for(self) -> None:
        local, remote = Machines(LOCAL, "a", "same"), Machines(DAYTONA, "b", "c", "same")
        refused = OperationFailed("the API said no")
        remote.failing_removals["c"] = refused

        removals = remove_located(locate_all(fleet(local, remote), ["same", "c", "none", "b", "a"]))

        assert [(r.name, r.outcome) for r in removals] == [
            ("same", "failed"),
            ("c", "failed"),
            ("none", "missing"),
            ("b", "removed"),
            ("a", "removed"),
        ]
        ambiguous = removals[0].error
        assert ambiguous is not None
        assert ambiguous.code == "machine_ambiguous"
        assert removals[1].error is refused
        assert [r.removed for r in removals] == [False, False, False, True, True]
        assert names([*local.list(), *remote.list()]) == [
            ("same", LOCAL),
            ("c", DAYTONA),
            ("same", DAYTONA),
        ]

    def test_one_of_another_stage_stays(self) -> None:
        local = Machines(LOCAL, "a")

        removals = remove_located(locate_all(fleet(local, Machines(DAYTONA)), ["a"], "dev-b"))

        assert [r.outcome for r in removals] == ["missing"]
        assert names(local.list()) == [("a", LOCAL)]

    def test_a_machine_that_may_be_on_an_unreachable_provider_fails(self) -> None:
        both = fleet(Machines(LOCAL, "a"), Machines(DAYTONA, down=DAYTONA_DOWN))

        removals = remove_located(locate_all(both, ["a", "b"]))

        assert [(r.outcome, r.error) for r in removals] == [
            ("removed", None),
            ("failed", DAYTONA_DOWN),
        ]

    def test_a_machine_that_is_removed_meanwhile_is_missing(self) -> None:
        removals = remove_located(locate_all(fleet(Vanishing(LOCAL, "a")), ["a"]))

        assert [r.outcome for r in removals] == ["missing"]

    def test_they_are_removed_side_by_side(self) -> None:
        together = threading.Barrier(3)

        class Slow(Machines):
            def remove(self, name: str, within: float | None = None) -> bool:
                together.wait(MEET_SECONDS)
                return super().remove(name, within)

        removals = remove_located(locate_all(fleet(Slow(LOCAL, "a", "b", "c")), ["a", "b", "c"]))

        assert [r.outcome for r in removals] == ["removed"] * 3

    def test_for_no_names_nothing_is_asked(self) -> None:
        assert remove_located(locate_all(fleet(Machines(LOCAL, down=LOCAL_DOWN)), [])) == []


class Vanishing(Machines):
    """Machines that are gone before they can be removed."""

    def remove(self, name: str, within: float | None = None) -> bool:
        del within
        raise NotFound(f"there is no machine named {name}")


class Hanging(Machines):
    """Machines that do not answer before ``release`` is set."""

    def __init__(self, type_: MachineType, *names: str) -> None:
        super().__init__(type_, *names)
        self.release = threading.Event()

    def get(self, name: str) -> Machine:
        assert self.release.wait(MEET_SECONDS)
        return super().get(name)


class TestLocate:
    def test_each_has_a_place_or_the_reason_why_not(self) -> None:
        local, remote = Machines(LOCAL, "a", "b", down=LOCAL_DOWN), Machines(DAYTONA, "b", "c")
        remote.add("d", "dev-b")

        found = locate_all(fleet(local, remote), ["c", "a", "b", "d"], "dev-a")

        assert [(place.name, place.provider.type) for place in located(found)] == [
            ("c", DAYTONA),
            ("b", DAYTONA),
        ]
        assert found[1::2] == [NotLocated("a", LOCAL_DOWN), NotLocated("d", LOCAL_DOWN)]

    def test_one_that_is_known_is_not_kept_back_by_a_provider_that_hangs(self) -> None:
        hanging = Hanging(DAYTONA, "b")

        place = locate(fleet(Machines(LOCAL, "a"), hanging), "a")

        assert place.machine.type is LOCAL
        assert not hanging.release.is_set()
        hanging.release.set()

    def test_one_that_is_not_known_is_waited_for(self) -> None:
        hanging = Hanging(DAYTONA, "a")
        threading.Timer(0.05, hanging.release.set).start()

        assert locate(fleet(Machines(LOCAL), hanging), "a").machine.type is DAYTONA

    def test_a_bug_is_not_taken_for_a_provider_that_does_not_answer(self) -> None:
        class Broken(Machines):
            def get(self, name: str) -> NoReturn:
                raise ZeroDivisionError(name)

        with pytest.raises(ZeroDivisionError):
            locate(fleet(Machines(LOCAL), Broken(DAYTONA)), "a")


class TestNames:
    def test_each_name_once_and_sorted(self) -> None:
        assert fleet_names(fleet(Machines(LOCAL, "c", "a"), Machines(DAYTONA, "b", "a"))) == [
            "a",
            "b",
            "c",
        ]

    def test_a_provider_that_does_not_answer_has_none(self) -> None:
        both = fleet(Machines(LOCAL, "a"), Machines(DAYTONA, "b", down=DAYTONA_DOWN))

        assert fleet_names(both) == ["a"]
        assert fleet_names({LOCAL: unmade(LOCAL_DOWN)}) == []

    def test_a_provider_that_takes_too_long_has_none(self) -> None:
        slow = Slow(DAYTONA, "b")
        both = fleet(slow, Machines(LOCAL, "a"))

        assert fleet_names(both, within=0.05) == ["a"]
        slow.go_on.set()
        assert fleet_names(both, within=MEET_SECONDS) == ["a", "b"]

    def test_they_are_asked_side_by_side(self) -> None:
        both = threading.Barrier(2)

        assert fleet_names(fleet(Meeting(LOCAL, both), Meeting(DAYTONA, both)), MEET_SECONDS) == [
            "m"
        ]

    def test_a_completion_does_not_wait_long(self) -> None:
        assert 0 < NAMES_SECONDS <= 1


class Slow(Machines):
    """Machines that answer once ``go_on`` is set."""

    def __init__(self, type_: MachineType, *names: str) -> None:
        super().__init__(type_, *names)
        self.go_on = threading.Event()

    def list(self) -> builtins.list[Machine]:
        self.go_on.wait(MEET_SECONDS)
        return super().list()
