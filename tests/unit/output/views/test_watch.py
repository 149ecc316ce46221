"""A watched list in a pipe."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from os2cli.core.errors import Unreachable
from os2cli.core.models import DAYTONA, LOCAL_DOCKER, Health, Machine, MachineState
from os2cli.machines.fleet import Listing
from os2cli.output import Output
from os2cli.output.views.watch import watch_machines
from os2cli.settings.invocation import Invocation

A = Machine(
    id="1",
    name="a",
    type=LOCAL_DOCKER,
    stage="dev",
    state=MachineState.RUNNING,
    snapshot="x",
    owner="me",
    created=datetime(2026, 1, 11, tzinfo=UTC),
    health=Health.HEALTHY,
)
B = replace(A, name="b", type=DAYTONA)
STOPPED = replace(A, state=MachineState.STOPPED, health=Health.NONE)
DOWN = Listing((A,), {DAYTONA: Unreachable("it is down", hint="wait")})


class Enough(Exception):
    """The end of a watch: the test has seen enough."""


def told(*listings: Listing, quiet: bool = False) -> tuple[list[str], list[str]]:
    """Return the lines on stdout and stderr after all listings."""

    def later() -> Iterator[Listing]:
        yield from listings[1:]
        raise Enough

    looks = later()

    def look() -> Listing:
        return next(looks)

    invocation = Invocation()
    invocation.quiet = quiet
    stdout, stderr = io.StringIO(), io.StringIO()
    output = Output(invocation, {}, stdout, stderr)
    with pytest.raises(Enough):
        watch_machines(output, listings[0], look, ("name", "state"), 0)
    lines = [" ".join(line.split()) for line in stdout.getvalue().splitlines()]
    return lines, stderr.getvalue().splitlines()


def test_each_change_is_a_line_and_nothing_else_is() -> None:
    lines, _ = told(Listing((A,)), Listing((A,)), Listing((STOPPED, B)), Listing((B,)), Listing(()))

    assert lines == [
        "added a running",
        "changed a stopped",
        "added b running",
        "removed a stopped",
        "removed b running",
    ]


def test_a_silent_provider_is_reported_once_and_keeps_its_machines() -> None:
    lines, warnings = told(Listing((A, B)), DOWN, DOWN, Listing((A, B)), DOWN)

    assert lines == ["added a running", "added b running"]
    assert [line[:8] for line in warnings] == ["warning:", "hint: wa", "warning:", "hint: wa"]


def test_a_recreated_machine_is_another() -> None:
    lines, _ = told(Listing((A,)), Listing((replace(A, id="2"),)))

    assert lines == ["added a running", "changed a running"]


def test_quiet_prints_only_names() -> None:
    assert told(Listing((A, B)), quiet=True)[0] == ["a", "b"]
