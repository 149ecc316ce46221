"""Documents look as pydantic, which makes their schemas, would write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from os2cli.core.errors import Conflict
from os2cli.core.models import DAYTONA, LOCAL_DOCKER, Machine, MachineState
from os2cli.machines.fleet import Listing
from os2cli.output.documents.document import Document
from os2cli.output.documents.encoding import to_json
from os2cli.output.documents.errors import ErrorDocument
from os2cli.output.documents.machines import (
    MachineDocument,
    MachineList,
    PartialMachineList,
    WatchedMachineDocument,
)

MOMENT = datetime(2026, 1, 11, 12, 30, tzinfo=UTC)
MACHINE = Machine(
    id="abc",
    name="dev",
    type=LOCAL_DOCKER,
    stage="dev",
    state=MachineState.RUNNING,
    snapshot="iterate-sandbox:local",
    owner="jonas@laptop",
    created=MOMENT,
    labels={"team": 'côre "1" \\ \n \x1f </b>'},
    expires=MOMENT + timedelta(microseconds=1500),
)


class Colour(Enum):
    """An enumeration whose members are not strings."""

    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Values(Document):
    """A document with one value of any type."""

    value: Any


def as_pydantic(document: object, indent: int | None) -> str:
    return TypeAdapter(type(document)).dump_json(document, indent=indent).decode()


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "document",
    [
        MachineDocument.of(MACHINE),
        WatchedMachineDocument.of_event("added", MACHINE),
        PartialMachineList.of(Listing((MACHINE,), {DAYTONA: Conflict("it is down", hint="…")})),
        PartialMachineList.of(Listing((), {})),
        ErrorDocument.of(Conflict("taken", details={"port": 1, "names": ["a"], "none": {}})),
    ],
    ids=["machine", "event", "partial", "empty", "error"],
)
def test_documents_look_as_pydantic_writes_them(document: object, indent: int | None) -> None:
    assert to_json(document, indent=indent) == as_pydantic(document, indent)


@pytest.mark.parametrize(
    "value",
    [
        MOMENT,
        MOMENT.replace(microsecond=120000),
        MOMENT.astimezone(timezone(timedelta(hours=2))),
        Colour.RED,
        MachineState.RUNNING,
        Path("/tmp/x"),
        (1, 2.5, 0.1, 1e10, -0.0),
        {"b": True, "a": None},
    ],
    ids=repr,
)
def test_values_look_as_pydantic_writes_them(value: object) -> None:
    assert to_json(Values(value=value), indent=2) == as_pydantic(Values(value=value), 2)


def test_a_timedelta_is_its_seconds() -> None:
    assert json.loads(to_json(timedelta(seconds=90, milliseconds=500))) == 90.5


@pytest.mark.parametrize("machines", [[], [MACHINE, MACHINE]], ids=["none", "two"])
def test_a_list_is_an_array_of_its_items(machines: Sequence[Machine]) -> None:
    written = json.loads(to_json(MachineList.of(machines), indent=2))

    assert written == [json.loads(to_json(MachineDocument.of(machine))) for machine in machines]
