"""What a machine kept at its start is reported to who started it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from os2cli.core.errors import OperationFailed
from os2cli.core.models import Machine, MachineSpec, MachineState
from os2cli.machines.mounted import report_kept
from tests.contract.memory import MemoryMachines
from tests.progress import RecordedProgress


class Machines(MemoryMachines):
    lines: tuple[str, ...] = ()

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        del name
        if not self.lines:
            raise OperationFailed("no log", hint="")
        return self.lines[-lines:]


@pytest.fixture
def machine() -> Machine:
    machines = Machines()
    machines.create(MachineSpec(name="a", stage="dev", snapshot="iterate-sandbox:local"))
    machines.set_state("a", MachineState.RUNNING)
    return replace(machines.get("a"), has_mount=True)


def warnings(machine: Machine, *lines: str) -> list[str]:
    machines, progress = Machines(), RecordedProgress()
    machines.lines = lines
    report_kept(machines, machine, progress)
    return progress.warnings


STEP = "entry: repository: "
SYNCED = f"{STEP}synced /mnt/repo: 3 files, 0 copied, 0 removed"
KEPT = "kept as changed in the machine: a.txt"


@pytest.mark.parametrize(
    ("lines", "reported"),
    [
        ((), []),
        ((f"{SYNCED} (0.02 s)",), []),
        ((f"{SYNCED}; {KEPT} (0.02 s)", "other"), [f"machine a: {KEPT}"]),
        ((f"{SYNCED}; {KEPT} (0.02 s)", "other", f"{SYNCED} (0.1 s)"), []),
        ((f"{STEP}kept the files of the last start: x (0.1 s)",), None),
        ((f"{STEP}cloned https://example.com; x (1.2 s)",), []),
        ((f"{SYNCED}; \x1b[31m{KEPT} (0.1 s)",), None),
    ],
)
def test_the_last_start_is_reported(
    machine: Machine, lines: tuple[str, ...], reported: list[str] | None
) -> None:
    found = warnings(machine, *lines)

    if reported is None:
        (one,) = found
        assert one.startswith("machine a: ")
        assert "\x1b" not in one
    else:
        assert found == reported


def test_a_machine_without_a_mount_is_not_asked(machine: Machine) -> None:
    assert warnings(replace(machine, has_mount=False), f"{SYNCED}; {KEPT}") == []
