"""BuildKit's progress as the engine's API sends it: base64 of a protobuf ``StatusResponse``.

The messages are declared here field by field instead of in generated code; numbers and names are
those of BuildKit's ``api/services/control/control.proto``. Other fields are skipped.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from typing import Any

_STRING, _BYTES, _BOOL, _INT64, _MESSAGE = 9, 12, 8, 3, 11

# message: {field: (number, type, repeated, type name)}
_SCHEMA: dict[str, dict[str, tuple[int, int, bool, str | None]]] = {
    "Timestamp": {"seconds": (1, _INT64, False, None)},
    "Vertex": {
        "digest": (1, _STRING, False, None),
        "name": (3, _STRING, False, None),
        "cached": (4, _BOOL, False, None),
        "started": (5, _MESSAGE, False, "Timestamp"),
        "completed": (6, _MESSAGE, False, "Timestamp"),
        "error": (7, _STRING, False, None),
    },
    "VertexLog": {
        "vertex": (1, _STRING, False, None),
        "stream": (3, _INT64, False, None),
        "msg": (4, _BYTES, False, None),
    },
    "StatusResponse": {
        "vertexes": (1, _MESSAGE, True, "Vertex"),
        "logs": (3, _MESSAGE, True, "VertexLog"),
    },
}


@dataclass(frozen=True, slots=True)
class Step:
    """One vertex of the build graph, at the time of the message."""

    digest: str
    name: str
    started: bool
    completed: bool
    cached: bool
    error: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One message: the steps that changed, and output by writer.

    A writer is one of a step's two streams, whose lines come in interleaved pieces.
    """

    steps: tuple[Step, ...]
    log: tuple[tuple[str, bytes], ...]


def decode_trace(encoded: str) -> Trace:
    """Return one ``moby.buildkit.trace`` value; an empty trace if it cannot be decoded."""
    # A build through the classic builder needs no protobuf, which is slow to import.
    from google.protobuf.message import DecodeError

    message = _status_response()()
    try:
        message.ParseFromString(base64.b64decode(encoded))
    except (DecodeError, ValueError):
        return Trace((), ())
    return Trace(
        tuple(
            Step(
                digest=vertex.digest,
                name=vertex.name,
                started=vertex.HasField("started"),
                completed=vertex.HasField("completed"),
                cached=vertex.cached,
                error=vertex.error,
            )
            for vertex in message.vertexes
        ),
        tuple((f"{entry.vertex}/{entry.stream}", entry.msg) for entry in message.logs),
    )


@cache
def _status_response() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    package = "os2.buildkit"
    file = descriptor_pb2.FileDescriptorProto(
        name="os2/buildkit.proto", package=package, syntax="proto3"
    )
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated, type_name) in fields.items():
            message.field.add(
                name=field,
                number=number,
                type=kind,
                label=3 if repeated else 1,
                type_name=f".{package}.{type_name}" if type_name else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName(f"{package}.StatusResponse")
    return message_factory.GetMessageClass(descriptor)
