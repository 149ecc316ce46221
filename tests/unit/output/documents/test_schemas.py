"""Every command's ``--json`` has a schema, which is correct."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from os2cli.commands import build_app
from os2cli.core.errors import Conflict
from os2cli.core.models import DAYTONA, LOCAL_DOCKER, Machine, MachineState
from os2cli.machines.fleet import Listing
from os2cli.output.documents.document import SCHEMA_VERSION
from os2cli.output.documents.encoding import to_json
from os2cli.output.documents.errors import ErrorDocument
from os2cli.output.documents.machines import MachineDocument, MachineList, PartialMachineList
from os2cli.output.documents.registry import DIALECT, DOCUMENTS, schema_of

# These print no document: a script, a shell's output, the schema itself.
WITHOUT_JSON = {"completion", "machine shell", "schema"}
# Not commands: the document of every failure, and the lines on stderr.
NO_COMMANDS = {"error", "machine list --watch", "machine stats --watch", "progress"}

MACHINE = MachineDocument.of(
    Machine(
        id="abc",
        name="dev",
        type=LOCAL_DOCKER,
        stage="dev",
        state=MachineState.RUNNING,
        snapshot="iterate-sandbox:local",
        owner="jonas@laptop",
        created=datetime(2026, 1, 11, 12, tzinfo=UTC),
        labels={"team": "core"},
    )
)


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every command that help shows."""
    for name, command in getattr(group, "commands", {}).items():
        if getattr(command, "commands", None):
            yield from commands(command, (*path, name))
        elif not command.hidden:
            yield " ".join((*path, name))


def errors_in(document: Any, command: str) -> list[str]:
    return [
        error.message for error in Draft202012Validator(schema_of(command)).iter_errors(document)
    ]


def printed(document: object) -> Any:
    return json.loads(to_json(document, indent=2))


def test_every_command_has_a_schema_or_is_an_exception() -> None:
    shown = set(commands(build_app()))

    assert shown == (set(DOCUMENTS) - NO_COMMANDS) | WITHOUT_JSON


@pytest.mark.parametrize("command", DOCUMENTS)
def test_each_is_a_json_schema_with_its_dialect(command: str) -> None:
    schema = schema_of(command)

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("command", [c for c in DOCUMENTS if c != "progress"])
def test_each_document_and_each_item_of_a_list_has_the_version(command: str) -> None:
    schema = schema_of(command)
    for kind in schema.get("anyOf", [schema]):
        found = resolved(schema, kind)
        if found.get("type") == "array":
            found = resolved(schema, found["items"])
        assert found["properties"]["schema_version"]["const"] == SCHEMA_VERSION
        assert "schema_version" in found["required"]


def resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Return what a part refers to."""
    reference = part.get("$ref")
    found: dict[str, Any] = schema["$defs"][reference.split("/")[-1]] if reference else part
    return found


@pytest.mark.parametrize(
    "document",
    [
        MachineList([]),
        MachineList([MACHINE]),
        PartialMachineList.of(Listing((), {DAYTONA: Conflict("it is down", hint="wait")})),
    ],
    ids=["none", "some", "partial"],
)
def test_a_list_is_an_array_or_says_that_it_is_partial(document: object) -> None:
    assert errors_in(printed(document), "machine list") == []


@pytest.mark.parametrize("wrong", [{"machines": []}, [{"name": "dev"}], "dev", None], ids=str)
def test_anything_else_is_invalid(wrong: Any) -> None:
    assert errors_in(wrong, "machine list") != []


@pytest.mark.parametrize(
    "error",
    [Conflict("m"), Conflict("m", hint="h", code="c", details={"port": 1, "names": ["a"]})],
    ids=["least", "most"],
)
def test_the_error_document_matches_its_schema(error: Conflict) -> None:
    assert errors_in(printed(ErrorDocument.of(error)), "error") == []
