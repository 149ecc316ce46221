"""What a machine gets from the engine: one is started for a moment, and looked into."""

from __future__ import annotations

from collections.abc import Callable

from os2cli.core.deadline import within
from os2cli.core.errors import Os2Error
from os2cli.doctor.checks.disk import judge_bytes
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs
from os2cli.providers.local_docker.machines.trial_result import Trial

# With the time to remove the machine and to start os2, less than 5 s.
TRY_SECONDS = 3.1
SKEW_SECONDS, TOO_MUCH_SKEW_SECONDS = 5, 300
_BUILD = "os2 snapshot local-docker"
_RESTART = "restart the engine; look for the cause in its log"


def check_machine(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that a machine starts, and that this host reaches its port."""
    name = "machine"
    try:
        if (reason := _not_tried(inputs, engine)) is not None:
            return Finding(name, Status.SKIPPED, reason.text, None, _remedy(reason))
        trial = _trial(inputs)
    except Os2Error as error:
        # A hint that leads here leads on to the engine's log.
        hint = error.hint or ""
        remedy = Remedy(_RESTART if "os2 doctor" in hint else hint) if hint else None
        what = f"a machine cannot be started: {error.message}"
        return Finding(name, Status.PROBLEM, what, "every create fails like this", remedy)
    if trial.reached is None:
        return Finding(name, Status.OK, "a machine starts; its port was not tried without Node.js")
    if trial.reached:
        return Finding(name, Status.OK, "a machine starts, and this host reaches its port")
    return Finding(
        name,
        Status.PROBLEM,
        "this host does not reach the port of a machine",
        "os2 and browsers reach a machine through it",
        Remedy("let the engine publish ports on 127.0.0.1: check its settings, firewalls and VPNs"),
    )


def check_machine_names(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that a machine resolves a name that this host resolves."""

    def judge(name: str, trial: Trial) -> Finding:
        if trial.resolves is None:
            return Finding(name, Status.SKIPPED, "this host or the image cannot look up a name")
        if trial.resolves:
            return Finding(name, Status.OK, "a machine resolves names")
        return Finding(
            name,
            Status.WARNING,
            "a machine does not resolve a name that this host resolves",
            "its programs and builds cannot fetch anything",
            Remedy("set the engine's DNS servers (dns in its daemon.json), and restart the engine"),
        )

    return _checked("machine-names", inputs, engine, judge)


def check_machine_disk(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Compare the free space in a machine with what images and machines need."""

    def judge(name: str, trial: Trial) -> Finding:
        if trial.free_bytes is None:
            return Finding(name, Status.SKIPPED, "the image cannot tell its free space")
        return judge_bytes(name, trial.free_bytes, "for images and machines on the engine")

    return _checked("machine-disk", inputs, engine, judge)


def check_machine_files(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that a machine has the files that it is sent."""

    def judge(name: str, trial: Trial) -> Finding:
        if trial.supplied:
            return Finding(name, Status.OK, "a machine gets the files that it is sent")
        return Finding(
            name,
            Status.WARNING,
            trial.unsent or "a machine does not get the files that it is sent",
            "--mount-repo needs it",
            Remedy("restart the engine; look for errors of its storage in its log"),
        )

    return _checked("machine-files", inputs, engine, judge)


def check_machine_clock(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Compare the clock in a machine with this host's."""

    def judge(name: str, trial: Trial) -> Finding:
        if trial.ahead_seconds is None:
            return Finding(name, Status.SKIPPED, "the image cannot tell the time")
        seconds = round(abs(trial.ahead_seconds))
        if seconds < SKEW_SECONDS:
            return Finding(name, Status.OK, "a machine's clock agrees with this host's")
        return Finding(
            name,
            Status.PROBLEM if seconds >= TOO_MUCH_SKEW_SECONDS else Status.WARNING,
            f"a machine's clock is {seconds} s {'ahead' if trial.ahead_seconds > 0 else 'behind'}",
            "certificates and tokens are not valid at another time",
            Remedy("restart the engine's virtual machine, which sets its clock"),
        )

    return _checked("machine-clock", inputs, engine, judge)


def _checked(
    name: str,
    inputs: DoctorInputs,
    engine: SharedEngine,
    judge: Callable[[str, Trial], Finding],
) -> Finding:
    """Return what a trial shows; why there was none is in the finding of ``check_machine``."""
    try:
        if _not_tried(inputs, engine) is None:
            return judge(name, _trial(inputs))
    except Os2Error:
        pass
    return Finding(name, Status.SKIPPED, "no machine was started")


def _trial(inputs: DoctorInputs) -> Trial:
    with within(TRY_SECONDS):
        return inputs.trial()


def _not_tried(inputs: DoctorInputs, engine: SharedEngine) -> Remedy | None:
    """Return why no machine is tried, with the command that changes that, or None."""
    try:
        engine.facts()
    except Os2Error:
        return Remedy("the engine does not answer")
    image = inputs.image()
    if image.built is None:
        return Remedy("not tried: no image yet", (_BUILD,))
    if image.foreign:
        return Remedy(f"not tried: image {image.reference} is not of this repository")
    return None


def _remedy(reason: Remedy) -> Remedy | None:
    return Remedy("build it", reason.commands) if reason.commands else None
