"""The registry: what is tracked, under which name, and the properties that may be known of it.

One line each. ``extract_properties`` gets what the operation was given and allow-lists what is sent
of it: numbers, flags and choices. Texts are dropped, since people type them. When it returns None
there is no event. What is not registered sends nothing. ``machine.create`` is registered where its
options are declared, in ``app.machine_options``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from os2cli.core.models import DAYTONA, LOCAL_DOCKER, MachineType

Input = Mapping[str, Any]
Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrackedMutation:
    """An operation that is tracked; ``provider`` is where it works when it can't be elsewhere."""

    procedure: str
    event_name: str
    extract_properties: Callable[[Input], Properties | None]
    provider: MachineType | None = None

    def properties(self, given: Input) -> Properties | None:
        """What may be sent of what it was given, None: there is no event."""
        extracted = self.extract_properties(given)
        if extracted is None:
            return None
        return {name: _plain(value) for name, value in extracted.items() if _may_be_sent(value)}


_REGISTRY: dict[str, TrackedMutation] = {}


def register_tracked_mutation(
    procedure: str,
    event_name: str,
    extract_properties: Callable[[Input], Properties | None],
    provider: MachineType | None = None,
) -> None:
    """Track an operation, e.g. ``machine.create``: a command's words with dots between them."""
    _REGISTRY[procedure] = TrackedMutation(procedure, event_name, extract_properties, provider)


def tracked_mutation(procedure: str) -> TrackedMutation | None:
    """What is known of an operation, None: it is not tracked."""
    return _REGISTRY.get(procedure)


def tracked_mutations() -> tuple[TrackedMutation, ...]:
    """All of them."""
    return tuple(_REGISTRY.values())


def _may_be_sent(value: Any) -> bool:
    return isinstance(value, bool | int | float | Enum)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _flags(given: Input, **names: str) -> Properties:
    """Which flags were given, by the names under which they are sent."""
    return {sent: bool(given.get(name)) for sent, name in names.items()}


def _selection(given: Input) -> Properties:
    return {"count": len(given.get("names") or ()), **_flags(given, all="all_")}


def _unless_dry(given: Input) -> Properties | None:
    return None if given.get("dry_run") else _flags(given, older_than="older_than")


def _published(given: Input) -> Properties:
    sizes = {name: given.get(name) for name in ("cpu", "memory", "disk")}
    built_here = given.get("builder") == "local"
    flags = {**_flags(given, forced="force"), "built_here": built_here}
    return {**sizes, **flags, "waited": not given.get("no_wait")}


def _build(given: Input) -> Properties:
    return _flags(given, no_cache="no_cache")


def _up(given: Input) -> Properties:
    return _flags(given, fix="fix", build="build")


def _removal(given: Input) -> Properties:
    return {**_selection(given), **_flags(given, force="force")}


def _activation(given: Input) -> Properties:
    return {"waited": not given.get("no_wait")}


def _only_fixing(given: Input) -> Properties | None:
    return {} if given.get("fix") else None


register_tracked_mutation("up", "machine_brought_up", _up)
register_tracked_mutation("machine.rm", "machine_removed", _removal)
register_tracked_mutation("machine.start", "machine_started", _selection)
register_tracked_mutation("machine.stop", "machine_stopped", _selection)
register_tracked_mutation("machine.restart", "machine_restarted", _selection)
register_tracked_mutation("machine.archive", "machine_archived", _selection)
register_tracked_mutation("machine.prune", "machines_pruned", _unless_dry)
register_tracked_mutation("snapshot.local-docker", "local_image_built", _build, LOCAL_DOCKER)
register_tracked_mutation("snapshot.daytona", "snapshot_published", _published, DAYTONA)
register_tracked_mutation("snapshot.rm", "snapshot_removed", _removal)
register_tracked_mutation("snapshot.prune", "snapshots_pruned", _unless_dry)
register_tracked_mutation("snapshot.activate", "snapshot_activated", _activation)
register_tracked_mutation("doctor", "doctor_fixed", _only_fixing)
