"""BuildKit's protobuf messages, as far as os2 reads and writes them.

They are declared here field by field instead of in generated code; numbers and names are those of
BuildKit's ``api/services/control/control.proto``, ``session/secrets/secrets.proto``,
``session/auth/auth.proto`` and ``session/sshforward/ssh.proto``, of fsutil's ``wire.proto`` and
``stat.proto``, and of gRPC's ``health.proto``. Other fields are skipped.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_PACKAGE = "os2.buildkit"
_STRING, _BYTES, _BOOL, _INT32, _INT64, _UINT32, _MESSAGE = 9, 12, 8, 5, 3, 13, 11

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
    "GetSecretRequest": {"ID": (1, _STRING, False, None)},
    "GetSecretResponse": {"data": (1, _BYTES, False, None)},
    "HealthCheckRequest": {},
    "HealthCheckResponse": {"status": (1, _INT64, False, None)},
    "CredentialsRequest": {"Host": (1, _STRING, False, None)},
    "CredentialsResponse": {
        "Username": (1, _STRING, False, None),
        "Secret": (2, _STRING, False, None),
    },
    "CheckAgentRequest": {"ID": (1, _STRING, False, None)},
    "CheckAgentResponse": {},
    "BytesMessage": {"data": (1, _BYTES, False, None)},
    "Packet": {
        "type": (1, _INT32, False, None),
        "stat": (2, _MESSAGE, False, "Stat"),
        "ID": (3, _UINT32, False, None),
        "data": (4, _BYTES, False, None),
    },
    # Paths are strings to BuildKit; a file system's need not be UTF-8.
    "Stat": {
        "path": (1, _BYTES, False, None),
        "mode": (2, _UINT32, False, None),
        "uid": (3, _UINT32, False, None),
        "gid": (4, _UINT32, False, None),
        "size": (5, _INT64, False, None),
        "modTime": (6, _INT64, False, None),
        "linkname": (7, _BYTES, False, None),
    },
}


def parse_status(encoded: str) -> Any:
    """Return the message in a base64 text, or None if it cannot be decoded."""
    message = message_class("StatusResponse")()
    try:
        message.ParseFromString(base64.b64decode(encoded))
    except (DecodeError, ValueError):
        return None
    return message


def message_class(name: str) -> Any:
    """Return the class of a message."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="os2/buildkit.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated, type_name) in fields.items():
            message.field.add(
                name=field,
                number=number,
                type=kind,
                label=3 if repeated else 1,
                type_name=f".{_PACKAGE}.{type_name}" if type_name else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
