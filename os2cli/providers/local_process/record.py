"""The record of a machine: its values, and their text in a file that may be damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from os2cli.core.json_text import parse_json
from os2cli.providers import labels
from os2cli.providers.loopback import LOOPBACK

_MARK = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MAX_PORT = 2**16 - 1
_MAX_PID = 2**31 - 1


class Phase(StrEnum):
    """What os2 last did with a machine; its processes show whether it runs."""

    CREATING = "creating"
    STARTED = "started"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, distinguished by its start time from a later one with the same id."""

    pid: int
    began: float


@dataclass(frozen=True, slots=True)
class Record:
    """A machine.

    ``labels`` are ours and the user's, ``env`` the user's variables, ``ports`` those of the
    sandbox's services by variable. ``addresses`` are those of this host on which ``port`` is, the
    one that is asked for its health last. ``first`` and ``logger`` are processes of the last start.
    """

    id: str
    name: str
    phase: Phase
    labels: Mapping[str, str]
    env: Mapping[str, str] = field(repr=False)
    port: int
    ports: Mapping[str, int]
    mount: str | None
    sandbox: str
    socket: str = ""
    first: ProcessId | None = None
    logger: ProcessId | None = None
    addresses: tuple[str, ...] = (LOOPBACK,)

    def all_ports(self) -> set[int]:
        """Return every port that the machine has or will need when it starts."""
        return {self.port, *self.ports.values()}

    def to_json(self) -> str:
        """Return the record as it is stored."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: bytes) -> Record:
        """Read a stored record; ignore fields of a newer os2.

        Raises:
            ValueError: a field that this os2 needs is missing or is not what os2 writes.
        """
        values = _Values(_mapping(parse_json(text), "the record"))
        phase = values.text("phase")
        if phase not in list(Phase):
            raise ValueError(f"unknown phase {phase!r}")
        return cls(
            id=values.mark("id"),
            name=values.text("name"),
            phase=Phase(phase),
            labels=values.texts("labels"),
            env=values.texts("env"),
            port=values.port("port"),
            ports=values.ports("ports"),
            mount=values.text("mount") if values.get("mount") is not None else None,
            sandbox=values.text("sandbox"),
            socket=values.text("socket") if values.get("socket") else "",
            first=values.process("first"),
            logger=values.process("logger"),
            addresses=values.addresses("addresses"),
        )


@dataclass(frozen=True, slots=True)
class _Values:
    """The fields of a stored record; what is not of the right type raises ``ValueError``."""

    fields: Mapping[str, Any]

    def get(self, name: str) -> object:
        return self.fields.get(name)

    def text(self, name: str) -> str:
        return _text(self.get(name), name)

    def mark(self, name: str) -> str:
        # An empty one would be that of every process without a mark.
        if not _MARK.fullmatch(self.text(name)):
            raise ValueError(f"{name} is not an id")
        return self.text(name)

    def texts(self, name: str) -> dict[str, str]:
        values = _mapping(self.get(name), name)
        return {key: _text(value, f"{name}.{key}") for key, value in values.items()}

    def port(self, name: str) -> int:
        return _whole(self.get(name), name, _MAX_PORT)

    def ports(self, name: str) -> dict[str, int]:
        values = _mapping(self.get(name), name)
        return {key: _whole(value, f"{name}.{key}", _MAX_PORT) for key, value in values.items()}

    def addresses(self, name: str) -> tuple[str, ...]:
        values = self.get(name)
        if values is None:  # an earlier os2
            return (LOOPBACK,)
        if not isinstance(values, list) or not values:
            raise ValueError(f"{name} is not a list of addresses")
        return tuple(_text(value, name) for value in values)

    def process(self, name: str) -> ProcessId | None:
        if self.get(name) is None:
            return None
        values = _mapping(self.get(name), name)
        began = values.get("began")
        if not isinstance(began, int | float):
            raise ValueError(f"{name}.began is not a number")
        pid = _whole(values.get("pid"), f"{name}.pid", _MAX_PID)
        return ProcessId(pid, float(began)) if pid else None


def _text(value: object, name: str) -> str:
    # Null bytes fit neither into a path nor into an environment.
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{name} is not a text")
    return value


def _whole(value: object, name: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(f"{name} is not a number from 0 to {most}")
    return value


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")
    return value


def name_of_snapshot(record: Record) -> str:
    """Return what the machine was created from."""
    return record.labels.get(labels.SNAPSHOT, record.sandbox)
