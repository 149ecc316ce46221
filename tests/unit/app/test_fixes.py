"""Running fixes: they are shown, confirmed and run in order."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from os2cli.app.fixes import run_fixes
from os2cli.app.registry import Providers
from os2cli.app.session import Session
from os2cli.core.errors import UsageError
from os2cli.doctor.fixes import Fix
from os2cli.output import Output
from os2cli.output.progress import PlainProgress
from os2cli.settings.invocation import Invocation
from os2cli.settings.settings import load_settings
from tests.analytics import KEY, State

COMMAND = "os2 doctor --fix --yes"


class Host:
    """Something to fix, and a pipe where a terminal would be."""

    def __init__(self, home: Path) -> None:
        self.done: list[str] = []
        self.stderr = io.StringIO()
        self.progress = PlainProgress(self.stderr, verbose=False, quiet=False)
        settings = load_settings(None, {"HOME": str(home), "POSTHOG_KEY": KEY})
        output = Output(Invocation(), settings.variables, io.StringIO(), self.stderr)
        self.session = Session(Invocation(), settings, output, Providers(settings), home)

    def fix(self, title: str) -> Fix:
        return Fix(title, title, (f"first {title}",), lambda _: self.done.append(title))

    def run(self, *, yes: bool) -> bool:
        fixes = [self.fix("install it"), self.fix("start it")]
        return run_fixes(self.session, fixes, self.progress, yes=yes, command=COMMAND)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_they_are_shown_and_run_in_their_order(host: Host) -> None:
    assert host.run(yes=True)

    assert host.done == ["install it", "start it"]
    shown = host.stderr.getvalue().splitlines()
    wanted = ["fix: install it", "  - first install it", "fix: start it", "  - first start it"]
    assert shown[:4] == wanted


@pytest.mark.parametrize("yes", [True, False])
def test_a_risk_is_stated_before_all_else_also_with_yes(host: Host, yes: bool) -> None:
    fix = replace(host.fix("open it"), risk="everyone gets in")
    with suppress(UsageError):
        run_fixes(host.session, [fix], host.progress, yes=yes, command=COMMAND)
    assert host.stderr.getvalue().startswith("warning: everyone gets in\n")
    assert bool(host.done) is yes


def test_without_a_terminal_they_need_a_yes(host: Host) -> None:
    with pytest.raises(UsageError) as caught:
        host.run(yes=False)

    assert host.done == []
    assert (caught.value.code, caught.value.hint) == ("confirmation_needed", COMMAND)
    assert "fix: start it" in host.stderr.getvalue()


def test_fixes_that_ran_are_tracked_and_those_that_were_not_wanted_are_not(host: Host) -> None:
    state = State(host.session.settings.state_dir / "analytics")
    given = {"fix": True, "yes": True}
    with state.undelivered():
        with host.session.analytics.tracked("doctor", given):
            host.run(yes=True)
        with pytest.raises(UsageError), host.session.analytics.tracked("doctor", given):
            host.run(yes=False)
        with host.session.analytics.tracked("doctor", given):
            pass

        told = [event.properties for event in state.waiting]

    assert [(one["success"], one.get("error_code")) for one in told] == [
        (True, None),
        (False, "confirmation_needed"),
    ]
    assert told[0]["provider"] == "local-docker"
