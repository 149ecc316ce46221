"""Runs all checks concurrently; none can delay the others, the result or the exit."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from os2cli.doctor.checks.architecture import check_architecture
from os2cli.doctor.checks.daytona import (
    check_clock,
    check_daytona,
    check_daytona_key,
    check_daytona_snapshots,
)
from os2cli.doctor.checks.disk import check_disk
from os2cli.doctor.checks.doppler import check_doppler
from os2cli.doctor.checks.engine import check_engine
from os2cli.doctor.checks.git import check_git
from os2cli.doctor.checks.image import check_image
from os2cli.doctor.checks.machine import (
    check_machine,
    check_machine_clock,
    check_machine_disk,
    check_machine_files,
    check_machine_names,
)
from os2cli.doctor.checks.registry import check_registry
from os2cli.doctor.checks.stage import check_stage
from os2cli.doctor.checks.tcp_api import check_tcp_api
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Status
from os2cli.doctor.inputs import DoctorInputs

Check = Callable[[DoctorInputs, SharedEngine], Finding]

DEADLINE_SECONDS = 3.0
TRIAL_DEADLINE_SECONDS = 5.0
CHECKS: dict[str, Check] = {
    "engine": check_engine,
    "tcp-api": check_tcp_api,
    "disk": check_disk,
    "image": check_image,
    "stage": check_stage,
    "git": check_git,
    "architecture": check_architecture,
    "doppler": check_doppler,
    "daytona": check_daytona,
    "daytona-key": check_daytona_key,
    "daytona-snapshots": check_daytona_snapshots,
    "clock": check_clock,
}

# What an engine asks elsewhere takes as long as the network does.
OUTER_CHECKS: dict[str, Check] = {"registry": check_registry}

# They start a machine, and share it.
TRIAL_CHECKS: dict[str, Check] = {
    "machine": check_machine,
    "machine-names": check_machine_names,
    "machine-disk": check_machine_disk,
    "machine-files": check_machine_files,
    "machine-clock": check_machine_clock,
}


def run_checks(
    inputs: DoctorInputs,
    deadline: float = DEADLINE_SECONDS,
    trial_deadline: float = TRIAL_DEADLINE_SECONDS,
) -> list[Finding]:
    """Run the checks and return a finding for each, in the order of ``CHECKS``.

    Those of ``OUTER_CHECKS`` and ``TRIAL_CHECKS`` follow, unless the inputs say quick. The
    deadlines are for each check, in seconds; a check that exceeds its own becomes a finding. A
    check's exception also becomes one.
    """
    engine = SharedEngine(inputs.endpoint)
    began = time.monotonic()
    limits = dict.fromkeys(CHECKS, deadline)
    if not inputs.quick:
        limits |= dict.fromkeys(OUTER_CHECKS, deadline)
        limits |= dict.fromkeys(TRIAL_CHECKS, trial_deadline)
    every = CHECKS | OUTER_CHECKS | TRIAL_CHECKS
    running = [(name, _start(name, every[name], inputs, engine)) for name in limits]
    return [_collect(name, answer, began + limits[name], limits[name]) for name, answer in running]


def _start(
    name: str, check: Check, inputs: DoctorInputs, engine: SharedEngine
) -> queue.SimpleQueue[Finding]:
    answer: queue.SimpleQueue[Finding] = queue.SimpleQueue()

    def run() -> None:
        try:
            answer.put(check(inputs, engine))
        except Exception as error:  # noqa: BLE001  # a broken check must not hide the others
            what = f"the check failed: {type(error).__name__}: {error}"
            answer.put(Finding(name, Status.PROBLEM, what))

    # Daemon threads, not an executor: the interpreter waits for executors at exit.
    threading.Thread(target=run, name=f"doctor-{name}", daemon=True).start()
    return answer


def _collect(name: str, answer: queue.SimpleQueue[Finding], end: float, deadline: float) -> Finding:
    try:
        return answer.get(timeout=max(0.0, end - time.monotonic()))
    except queue.Empty:
        return Finding(name, Status.PROBLEM, f"timed out after {deadline:g} s")
