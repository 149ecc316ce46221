"""One command, one fault or signal at one call, and whether os2 kept its promises."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from os2cli.core.errors import exit_codes
from tests.faults.commands import Command
from tests.faults.kinds import FAULTS
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


def count_calls(command: Command) -> list[str]:
    """Return the calls that a command makes when nothing goes wrong."""
    with _prepared(command) as (setting, machine):
        done = setting.os2(*_argv(command.words, machine))
        assert done.status == 0 or "doctor" in command.words, f"{command.title}: {done.stderr}"
        return list(setting.proxy.calls)


def try_out(trial: Trial) -> Report:
    """Run a trial."""
    report = Report(trial)
    command = trial.command
    with _prepared(command) as (setting, machine):
        before = setting.things()
        running: list[subprocess.Popen[str]] = []
        setting.proxy.at, setting.proxy.behaviour = trial.call, _behaviour(trial, running)
        process = _start(setting, _argv(command.words, machine))
        running.append(process)
        limit = SIGNAL_SECONDS if trial.signal else command.seconds
        began = time.monotonic()
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            report.broken.append(f"still running after {time.monotonic() - began:.0f} s")
        report.met = setting.proxy.met.is_set()
        setting.proxy.heal()
        report.text = out + err
        if report.met and not report.broken:
            _judge_words(report, process.returncode, err)
            _judge_rest(report, process.returncode, setting, before, machine)
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
            done = setting.os2(*_argv(words, machine))
            assert done.status == 0, f"{words}: {done.stderr}"
        setting.proxy.calls.clear()
        return setting, machine

    def __exit__(self, *error: object) -> None:
        self._setting.__exit__(None, None, None)
        self._folder.cleanup()


def _argv(words: str, machine: str) -> list[str]:
    return [word.replace("MACHINE", machine) for word in words.split()]


def _start(setting: Setting, argv: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        setting.os2.argv(*argv),
        cwd=setting.os2.folder,
        env=dict(setting.os2.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _behaviour(trial: Trial, running: list[subprocess.Popen[str]]) -> Behaviour:
    if trial.signal is None:
        return FAULTS[trial.fault]
    number = signal.Signals[f"SIG{trial.signal}"]
    hangs = trial.fault != trial.signal

    def interrupt(call: Exchange) -> None:
        running[0].send_signal(number)
        if hangs:
            until_left(call.client)
        else:
            # Its effect comes after the signal.
            call.pass_on()

    return interrupt


def _judge_words(report: Report, status: int, err: str) -> None:
    """Check the exit code, and what a person reads."""
    trial = report.trial
    if trial.signal is not None:
        # It may come when all is done.
        if status not in (SIGNALS[trial.signal], 0):
            report.broken.append(f"exit code {status} after SIG{trial.signal}")
        return
    if status not in exit_codes():
        report.broken.append(f"exit code {status}")
    if (found := _AMISS.search(report.text)) is not None:
        report.broken.append(f"it prints {found[0]!r}")
    errors = re.findall(r"(?m)^error: ", err)
    hints = re.findall(r"(?m)^hint: ", err)
    wanted = 0 if status == 0 or "doctor" in trial.command.words else 1
    # A warning may have a hint of its own.
    warned = len(re.findall(r"(?m)^warning: ", err))
    if len(errors) != wanted or len(hints) > max(wanted, warned) or (wanted and not hints):
        report.broken.append(f"{len(errors)} error: and {len(hints)} hint: at exit code {status}")


def _judge_rest(
    report: Report, status: int, setting: Setting, before: Mapping[str, str], machine: str
) -> None:
    """Check what is left, and that the next run works."""
    after = setting.things()
    if THEIRS in before and after.get(THEIRS) != before[THEIRS]:
        report.broken.append("what is not ours was changed")
    ours = [name for name in after if machine in name]
    if any(machine in name for name in before):
        alive = any(after[name] != NETWORK for name in ours)
        if not alive and not report.trial.command.removes:
            report.broken.append("the machine is gone")
        if ours and "machine rm" in report.trial.command.words:
            _judge_removal(report, status, setting, machine)
        return
    if ours and status != 0:
        _judge_left(report, setting, machine)
    for words in ("machine rm MACHINE --yes" if ours else "", report.trial.command.words):
        place = " --type daytona --stage stg" if "daytona" in report.trial.command.words else ""
        line = words if words == report.trial.command.words else f"{words}{place}"
        if words:
            done = setting.os2(*_argv(line, machine))
            if done.status != 0 and "doctor" not in words:
                report.broken.append(f"the next run, {line}, fails: {done.stderr.strip()[-300:]}")


def _judge_removal(report: Report, status: int, setting: Setting, machine: str) -> None:
    """Check that a removal which did not do all says so, and that the next one does the rest."""
    if status == 0 and "warning: " not in report.text:
        report.broken.append("it says that it removed what is left")
    done = setting.os2(*_argv(report.trial.command.words, machine))
    left = [name for name in setting.things() if machine in name]
    if done.status != 0 or left:
        report.broken.append(f"the next run leaves {left}: {done.stderr.strip()[-300:]}")


def _judge_left(report: Report, setting: Setting, machine: str) -> None:
    if report.trial.signal == "KILL":
        place = ("--type", "daytona") if "daytona" in report.trial.command.words else ()
        listed = setting.os2("machine", "list", "--all-stages", *place)
        if machine not in listed.stdout:
            report.broken.append(f"a machine is left that no list shows: {listed.stdout}")
    elif f"machine rm {machine}" not in report.text:
        report.broken.append("a machine is left without a word")
