"""The registry of tracked operations: event names, and the properties that may be sent.

``extract_properties`` gets the operation's options and returns those that may be sent: numbers,
flags and choices. Texts are dropped, since people type them. None means that no event is sent, and
an operation that is not registered sends none. ``app.tracking`` registers ``machine.create``.
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
    """A tracked operation; ``provider`` is set if it works with one provider only."""

    procedure: str
    event_name: str
    extract_properties: Callable[[Input], Properties | None]
    provider: MachineType | None = None

    def properties(self, options: Input) -> Properties | None:
        """Return the properties that may be sent; None: no event."""
        extracted = self.extract_properties(options)
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
    """Track an operation such as ``machine.create``: a command's words joined by dots."""
    _REGISTRY[procedure] = TrackedMutation(procedure, event_name, extract_properties, provider)


def tracked_mutation(procedure: str) -> TrackedMutation | None:
    """Return the registration of an operation; None if it is not tracked."""
    return _REGISTRY.get(procedure)


def tracked_mutations() -> tuple[TrackedMutation, ...]:
    """Return all registrations."""
    return tuple(_REGISTRY.values())


def _may_be_sent(value: Any) -> bool:
    return isinstance(value, bool | int | float | Enum)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _flags(options: Input, **names: str) -> Properties:
    """Return whether each option was set, under the name it is sent as."""
    return {sent: bool(options.get(name)) for sent, name in names.items()}


def _selection(options: Input) -> Properties:
    return {"count": len(options.get("names") or ()), **_flags(options, all="all_")}


def _unless_dry(options: Input) -> Properties | None:
    return None if options.get("dry_run") else _flags(options, older_than="older_than")


def _published(options: Input) -> Properties:
    sizes = {name: options.get(name) for name in ("cpu", "memory", "disk")}
    built_here = options.get("builder") == "local"
    flags = {**_flags(options, forced="force"), "built_here": built_here}
    return {**sizes, **flags, "waited": not options.get("no_wait")}


def _build(options: Input) -> Properties:
    return _flags(options, no_cache="no_cache")


def _up(options: Input) -> Properties:
    return _flags(options, fix="fix", build="build")


def _removal(options: Input) -> Properties:
    return {**_selection(options), **_flags(options, force="force")}


def _activation(options: Input) -> Properties:
    return {"waited": not options.get("no_wait")}


def _only_fixing(options: Input) -> Properties | None:
    return {} if options.get("fix") else None


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
