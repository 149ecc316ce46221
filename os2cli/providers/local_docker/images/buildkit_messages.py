"""BuildKit's protobuf message ``StatusResponse``, as far as os2 reads it.

The messages are declared here field by field instead of in generated code; numbers and names are
those of BuildKit's ``api/services/control/control.proto``. Other fields are skipped.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

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


def parse_status(encoded: str) -> Any:
    """Return the message in a base64 text, or None if it cannot be decoded."""
    message = _status_response()()
    try:
        message.ParseFromString(base64.b64decode(encoded))
    except (DecodeError, ValueError):
        return None
    return message


@cache
def _status_response() -> Any:
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
