"""Every command prints one JSON document that fits its schema: on success, empty or failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from os2cli.output.documents.registry import DOCUMENTS, schema_of
from tests.cli.scenes import (
    IN_THIS_PROCESS,
    NEWEST,
    NO_ENGINE,
    SCENES,
    Observation,
    Scene,
    Stage,
    nothing,
)

pytestmark = IN_THIS_PROCESS


# Without a scene above: they take no options.
OTHERS = {
    "config": Scene(("config",)),
    "cache show": Scene(("cache", "show")),
    "cache clear": Scene(("cache", "clear")),
    "help": Scene(("help", "exit-codes")),
}
SPEAKING = {name: scene for name, scene in {**SCENES, **OTHERS}.items() if name in DOCUMENTS}
EMPTY = {
    "machine list": Scene(("machine", "list")),
    "machine rm": Scene(("machine", "rm", "--all", "--type", "daytona", "--yes")),
    "machine stop": Scene(("machine", "stop", "--all", "--type", "daytona", "--yes")),
    "machine prune": Scene(("machine", "prune", "--yes")),
    "snapshot list": Scene(("snapshot", "list", "--state", "failed")),
    "snapshot prune": Scene(("snapshot", "prune", "--type", "daytona", "--yes")),
    "cache show": OTHERS["cache show"],
}
# They send no request, so no server can reject one.
ALONE = {"stage", "config", "help", "cache show", "cache clear", "snapshot context", "doctor"}
ALONE |= {name for name in SCENES if name.startswith("analytics ")}
SHUT_OUT = {**NO_ENGINE, "DAYTONA_API_KEY": "not-the-key"}


def document(seen: Observation) -> Any:
    """The one document on stdout."""
    return json.loads(seen.stdout)


def described(command: str, found: Any) -> None:
    """Validate it against the schema of the command."""
    problems = [e.message for e in Draft202012Validator(schema_of(command)).iter_errors(found)]
    assert problems == []


def test_every_command_with_a_document_is_in_a_scene() -> None:
    streams = {"error", "progress", "machine list --watch", "machine stats --watch"}
    # It prints its document and keeps running: test_ui.py reads it.
    endless = {"ui"}

    assert set(SPEAKING) == set(DOCUMENTS) - streams - endless


@pytest.mark.parametrize("command", SPEAKING)
def test_what_is_done_is_one_document(command: str, theatre: Stage) -> None:
    seen = theatre.play(SPEAKING[command].plus("--json"))

    found = document(seen)
    described("error" if "error" in found else command, found)
    assert ("error" in found) == (seen.status != 0 and command != "doctor")


def lists_in(found: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object in a document with the name of a list in it."""
    if isinstance(found, list):
        for item in found:
            yield from lists_in(item)
    elif isinstance(found, dict):
        for name, value in found.items():
            if isinstance(value, list):
                yield found, name
            yield from lists_in(value)


@pytest.mark.parametrize("command", SPEAKING)
def test_a_list_is_as_long_as_its_count_says(command: str, theatre: Stage) -> None:
    """What a person is shown is cut, the document is not."""
    found = document(theatre.play(SPEAKING[command].plus("--json")))

    for holder, name in lists_in(found):
        for count in (f"{name}_count", f"{name.removesuffix('s')}_count"):
            assert len(holder[name]) == holder.get(count, len(holder[name])), (name, count)


@pytest.mark.parametrize("command", EMPTY)
def test_what_is_empty_is_one_document(command: str, theatre: Stage) -> None:
    seen = theatre.play(EMPTY[command].plus("--json"))

    assert seen.status == 0
    described(command, document(seen))


@pytest.mark.parametrize("command", sorted(set(SPEAKING) - ALONE))
def test_a_failure_is_one_document(command: str, theatre: Stage) -> None:
    scene = SPEAKING[command]
    seen = theatre.play(Scene(scene.argv, nothing, {**scene.env, **SHUT_OUT}).plus("--json"))

    found = document(seen)
    described("error" if "error" in found else command, found)
    assert seen.status != 0
    assert seen.stderr.count("error: ") == ("error" in found)


def test_what_is_partly_known_is_one_document(theatre: Stage) -> None:
    for command in ("machine list", "snapshot list"):
        scene = Scene((*command.split(), "--json"), env=NO_ENGINE)

        seen = theatre.play(scene)

        assert seen.status == 7
        assert document(seen)["partial"] is True
        described(command, document(seen))


def test_a_rejected_command_line_is_one_document(theatre: Stage) -> None:
    for argv in (("machine", "show"), ("nonsense",), ("snapshot", "show", NEWEST, "--nonsense")):
        seen = theatre.play(Scene((*argv, "--json")))

        assert seen.status == 2
        described("error", document(seen))
