"""One command, one fault or signal at one call, and whether os2 kept its promises."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from os2cli.core.errors import NotFound, exit_codes
from tests.command import DEADLINE_SECONDS, Result
from tests.faults.commands import Command
from tests.faults.forked import Running
from tests.faults.kinds import FAULTS, OUTAGES, VALID
from tests.faults.proxy import Behaviour, Exchange, until_left
from tests.faults.settings import NETWORK, THEIRS, Setting

# The exit code of a command that a signal stops.
SIGNALS = {"KILL": -9, "TERM": 143, "INT": 130, "HUP": 129}
INTERRUPTIONS = (*SIGNALS, *(f"{name} while it hangs" for name in SIGNALS if name != "KILL"))
# A command that a signal stops may take this long to undo what it has done.
SIGNAL_SECONDS = 15.0
_AMISS = re.compile(r"Traceback|unexpected [A-Z]\w*|<html|\x1b|[\x80-\x9f]")


@dataclass(frozen=True)
class Trial:
    """``fault`` is one of ``FAULTS``, or a signal of ``SIGNALS``; ``call`` counts from 1."""

    command: Command
    fault: str
    call: int

    @property
    def signal(self) -> str | None:
        """The name of the signal, if it is one."""
        word = self.fault.partition(" ")[0]
        return word if word in SIGNALS else None

    def __str__(self) -> str:
        return f"{self.command.title}, call {self.call}: {self.fault}"


@dataclass
class Report:
    """What a trial showed: nothing in ``broken`` if the promises were kept.

    ``met``: the call was made. ``text`` is what the command printed.
    """

    trial: Trial
    met: bool = True
    broken: list[str] = field(default_factory=list)
    text: str = ""


@dataclass(frozen=True)
class Rehearsal:
    """A command's calls when nothing goes wrong, and what there is afterwards."""

    calls: tuple[str, ...]
    things: Mapping[str, str]


@cache
def rehearse(command: Command) -> Rehearsal:
    """Run a command without a fault."""
    with _prepared(command) as (setting, machine):
        done = _run(setting, command.words, machine, command.typed)
        assert done.status == 0 or "doctor" in command.words, f"{command.title}: {done.stderr}"
        assert re.search(_named(command.shows, machine), done.stdout), f"{command}: {done.stdout}"
        return Rehearsal(tuple(setting.proxy.calls), _things(setting, machine))


def try_out(trial: Trial) -> Report:
    """Run a trial."""
    report = Report(trial)
    command = trial.command
    with _prepared(command) as (setting, machine):
        before = setting.things()
        running: list[Running] = []
        setting.proxy.at, setting.proxy.behaviour = trial.call, _behaviour(trial, running)
        setting.proxy.lasting = trial.fault in OUTAGES
        running.append(Running(setting.os2, _argv(command.words, machine), command.typed))
        limit = SIGNAL_SECONDS if trial.signal else command.seconds
        done = running[0].result(limit)
        report.met = setting.proxy.met.is_set()
        setting.proxy.heal()
        if done is None:
            report.broken.append(f"still running after {limit:.0f} s")
        else:
            report.text = done.stdout + done.stderr
            if report.met:
                _judge_words(report, done)
                _judge_rest(report, done, setting, before, machine)
    return report


class _prepared:  # noqa: N801  a block
    """A setting after the commands that come before; its proxy counts from there."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def __enter__(self) -> tuple[Setting, str]:
        self._folder = tempfile.TemporaryDirectory(prefix="faults-")
        folder = Path(self._folder.name)
        machine = folder.name.replace("_", "x").lower()
        place = folder / machine
        place.mkdir()
        self._setting = self._command.place(place)
        setting = self._setting.__enter__()
        for words in self._command.before:
            done = _run(setting, words, machine)
            assert done.status == 0, f"{words}: {done.stderr}"
        setting.proxy.calls.clear()
        return setting, machine

    def __exit__(self, *error: object) -> None:
        self._setting.__exit__(None, None, None)
        self._folder.cleanup()


def _named(words: str, machine: str) -> str:
    return words.replace("MACHINE", machine)


def _argv(words: str, machine: str) -> list[str]:
    return [_named(word, machine) for word in words.split()]


def _run(setting: Setting, words: str, machine: str, typed: str = "") -> Result:
    done = Running(setting.os2, _argv(words, machine), typed).result(DEADLINE_SECONDS)
    assert done is not None, f"{words}: still running"
    return done


def _things(setting: Setting, machine: str) -> dict[str, str]:
    """Return the things there are, under names that are the same in each trial."""
    return {name.replace(machine, "MACHINE"): state for name, state in setting.things().items()}


def _behaviour(trial: Trial, running: list[Running]) -> Behaviour:
    if trial.signal is None:
        return FAULTS[trial.fault]
    number = signal.Signals[f"SIG{trial.signal}"]
    hangs = trial.fault != trial.signal

    def interrupt(call: Exchange) -> None:
        running[0].send(number)
        if hangs:
            until_left(call.client)
        else:
            # Its effect comes after the signal.
            call.pass_on()

    return interrupt


def _judge_words(report: Report, done: Result) -> None:
    """Check the exit code, and what a person reads."""
    trial, status = report.trial, done.status
    if trial.signal is not None:
        # It may come when all is done.
        if status not in (SIGNALS[trial.signal], 0):
            report.broken.append(f"exit code {status} after SIG{trial.signal}")
        return
    if status not in exit_codes():
        report.broken.append(f"exit code {status}")
    if (found := _AMISS.search(report.text)) is not None:
        report.broken.append(f"it prints {found[0]!r}")
    errors = re.findall(r"(?m)^error: ", done.stderr)
    hints = re.findall(r"(?m)^hint: ", done.stderr)
    wanted = 0 if status == 0 or "doctor" in trial.command.words else 1
    # A warning may have a hint of its own.
    warned = len(re.findall(r"(?m)^warning: ", done.stderr))
    if len(errors) != wanted or len(hints) > wanted + warned or (wanted and not hints):
        report.broken.append(f"{len(errors)} error: and {len(hints)} hint: at exit code {status}")


def _judge_rest(
    report: Report, done: Result, setting: Setting, before: Mapping[str, str], machine: str
) -> None:
    """Check what is left, and that the next run works."""
    command, after = report.trial.command, setting.things()
    if THEIRS in before and after.get(THEIRS) != before[THEIRS]:
        report.broken.append("what is not ours was changed")
    if done.status == 0:
        _judge_success(report, done, setting, machine)
        return
    ours = [name for name in after if machine in name]
    if any(machine in name for name in before):
        alive = any(after[name] != NETWORK for name in ours)
        if not alive and not command.removes:
            report.broken.append("the machine is gone")
    elif ours:
        _judge_left(report, setting, {name: after[name] for name in ours}, machine)
        _run_next(report, setting, f"machine rm MACHINE --yes{_options(command)}", machine)
    if "doctor" not in command.words:
        _run_next(report, setting, command.words, machine, command.typed)
        _judge_things(report, setting, machine, "after the next run")


def _judge_success(report: Report, done: Result, setting: Setting, machine: str) -> None:
    """Check that all is done and shown, unless a valid answer hid it."""
    if report.trial.fault in VALID:
        return
    _judge_things(report, setting, machine, "at exit code 0")
    shown = re.search(_named(report.trial.command.shows, machine), done.stdout)
    if shown is None and "warning: " not in done.stderr and report.trial.signal is None:
        report.broken.append("it leaves out what it should show, without a word")


def _judge_things(report: Report, setting: Setting, machine: str, when: str) -> None:
    things, wanted = _things(setting, machine), rehearse(report.trial.command).things
    if things != wanted:
        report.broken.append(f"{when} there is {things} instead of {wanted}")


def _judge_left(report: Report, setting: Setting, left: Mapping[str, str], machine: str) -> None:
    """Check that the user learns of a machine that is left: by a list, or by the command."""
    if report.trial.signal == "KILL":
        if any(state != NETWORK for state in left.values()):
            _judge_listed(report, setting, machine)
        else:
            _judge_pruned(report, setting, machine)
    elif f"machine rm {machine}" not in report.text:
        report.broken.append("a machine is left without a word")


def _judge_listed(report: Report, setting: Setting, machine: str) -> None:
    words = f"machine list --all-stages{_options(report.trial.command)}".split(" --stage")[0]
    listed = _run(setting, words, machine)
    if machine not in listed.stdout:
        report.broken.append(f"a machine is left that no list shows: {listed.stdout}")


def _judge_pruned(report: Report, setting: Setting, machine: str) -> None:
    """Check that a prune removes the network that is left: it is not a machine, and in no list."""
    pruned = _run(setting, "machine prune --yes", machine)
    left = [name for name in setting.things() if machine in name]
    if left:
        report.broken.append(f"{left} is left, which no prune removes: {pruned.stdout}")


def _run_next(report: Report, setting: Setting, words: str, machine: str, typed: str = "") -> None:
    done = _run(setting, words, machine, typed)
    # What is to be removed may be gone.
    if done.status != 0 and not (done.status == NotFound.exit_code and " rm " in words):
        report.broken.append(f"the next run, {words}, fails: {done.stderr.strip()[-300:]}")


def _options(command: Command) -> str:
    return " --type daytona --stage stg" if "daytona" in command.words else ""
