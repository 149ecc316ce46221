"""A gRPC service: methods by name, with messages of BuildKit's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from os2cli.providers.local_docker.images.buildkit_messages import message_class


@dataclass(frozen=True, slots=True)
class Service:
    """A service with the full name that calls use."""

    name: str
    methods: Mapping[str, grpc.RpcMethodHandler[Any, Any]]

    @property
    def paths(self) -> list[str]:
        """The paths of its methods, such as ``/grpc.health.v1.Health/Check``."""
        return [f"/{self.name}/{method}" for method in self.methods]


def unary(call: Any, request: str) -> grpc.RpcMethodHandler[Any, Any]:
    """Return a method with one request, of that message, and one answer."""
    return grpc.unary_unary_rpc_method_handler(call, message_class(request).FromString, _serialized)


def streams(call: Any, message: str) -> grpc.RpcMethodHandler[Any, Any]:
    """Return a method with any number of messages, of one kind, in both directions."""
    return grpc.stream_stream_rpc_method_handler(
        call, message_class(message).FromString, _serialized
    )


def _serialized(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data
