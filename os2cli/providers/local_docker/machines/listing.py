"""The containers of ours on an engine, each read on its own: one that cannot be is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from os2cli.core.clock import REAL_TIME
from os2cli.core.errors import Conflict, NotFound, OperationFailed
from os2cli.core.left_out import leave_out
from os2cli.core.models import Machine
from os2cli.providers import labels
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.moving import without_copies
from os2cli.providers.local_docker.machines.shapes import mapping

_ID_DIGITS = 12
# An engine lists a container that it is creating before it finds it by its id.
_SETTLE_SECONDS = 5.0
_POLL_SECONDS = 0.1


def list_machines(engine: Engine, read: Callable[[str], Machine]) -> list[Machine]:
    """Return what ``read`` returns for the id of each, sorted by name."""
    machines: list[Machine] = []
    items, until = _containers(engine), math.inf
    while items:
        missing = _read_all(items, read, machines)
        # From here: to read many takes longer than that.
        until = min(until, REAL_TIME.now() + _SETTLE_SECONDS)
        # What is not listed any more was removed meanwhile.
        listed = {item["Id"] for item in _containers(engine)} if missing else set()
        items = [item for item in missing if item["Id"] in listed]
        if items and REAL_TIME.now() >= until:
            for item in items:
                why = "the engine lists it, but does not find it"
                leave_out(_called(item), why, "check the engine: os2 doctor")
            break
        if items:
            REAL_TIME.sleep(_POLL_SECONDS)
    return sorted(machines, key=lambda machine: machine.name)


def _read_all(
    items: list[Mapping[str, Any]], read: Callable[[str], Machine], machines: list[Machine]
) -> list[Mapping[str, Any]]:
    """Add the machine of each; return those that the engine does not find."""
    missing: list[Mapping[str, Any]] = []
    for item in items:
        try:
            machines.append(read(item["Id"]))
        except NotFound:
            missing.append(item)
        except (OperationFailed, Conflict) as error:
            leave_out(_called(item), error.message, error.hint)
    return missing


def _containers(engine: Engine) -> list[Mapping[str, Any]]:
    with engine.errors("listing the machines"):
        containers: list[Mapping[str, Any]] = engine.client.containers(
            all=True, filters={"label": [f"{labels.MACHINE}=1"]}
        )
        return without_copies(containers)


def _called(item: Mapping[str, Any]) -> str:
    name = mapping(item, "Labels").get(labels.NAME)
    container = f"container {item['Id'][:_ID_DIGITS]}"
    return f"machine {name} ({container})" if name else container
