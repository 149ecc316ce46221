"""BuildKit's messages, recorded from a real engine (Docker 20.10), and damaged ones."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from os2cli.providers.local_docker.images.buildkit_trace import Step, Trace, decode_trace

BUILDS = Path(__file__).parents[4] / "data/builds"
EMPTY = Trace((), ())


def traces(build: str) -> list[Trace]:
    """Return the decoded trace messages of a recorded build."""
    events = json.loads((BUILDS / f"{build}.json").read_text())
    return [decode_trace(e["aux"]) for e in events if e.get("id") == "moby.buildkit.trace"]


def steps(build: str, name: str) -> list[Step]:
    """Return the messages about one step, in order."""
    return [step for trace in traces(build) for step in trace.steps if step.name == name]


def test_a_step_appears_when_it_is_planned_starts_and_ends() -> None:
    told = steps("buildkit_copy", "[1/1] COPY a.txt /a.txt")

    assert [(s.started, s.completed) for s in told] == [(False, False), (True, False), (True, True)]
    assert {s.cached for s in told} == {False}
    assert len({s.digest for s in told}) == 1
    assert told[0].digest.startswith("sha256:")


def test_a_step_that_was_done_before_is_cached() -> None:
    assert steps("buildkit_cached", "[1/1] COPY a.txt /a.txt")[-1].cached


def test_a_step_that_fails_carries_its_error() -> None:
    told = steps("buildkit_failed_run", "[2/2] RUN echo about to fail && exit 7")

    assert [step.error for step in told[:-1]] == ["", ""]
    assert told[-1].error == (
        "executor failed running [/bin/sh -c echo about to fail && exit 7]: exit code: 7"
    )


def test_what_a_step_writes_comes_from_one_of_its_two_streams() -> None:
    log = [entry for trace in traces("buildkit_run") for entry in trace.log]

    assert [text for _, text in log] == [b"half a ", b"\x1b[31mred\x1b[0m\n", b"line\n"]
    out, err, out_again = (writer for writer, _ in log)
    assert out == out_again
    assert out != err


@pytest.mark.parametrize(
    "encoded",
    ["", "AAAA", "not base64", "é", "A", base64.b64encode(b"\x0a\xff\xff\xff").decode()],
    ids=["empty", "no message", "text", "not ASCII", "cut short", "a length beyond the end"],
)
def test_what_cannot_be_read_is_an_empty_trace(encoded: str) -> None:
    assert decode_trace(encoded) == EMPTY


def test_every_recorded_message_cut_anywhere_is_read_or_empty() -> None:
    events = json.loads((BUILDS / "buildkit_failed_run.json").read_text())
    raw = base64.b64decode(events[-2]["aux"])

    for length in range(len(raw)):
        assert isinstance(decode_trace(base64.b64encode(raw[:length]).decode()), Trace)
