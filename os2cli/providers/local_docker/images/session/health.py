"""The service that BuildKit asks every few seconds: without an answer it gives the session up."""

from __future__ import annotations

from os2cli.providers.local_docker.images.buildkit_messages import message_class
from os2cli.providers.local_docker.images.session.calls import Methods

METHOD = "/grpc.health.v1.Health/Check"
_SERVING = 1


def methods() -> Methods:
    """Return the methods of the service."""
    return {METHOD: _check}


def _check(_: bytes) -> bytes:
    answer: bytes = message_class("HealthCheckResponse")(status=_SERVING).SerializeToString()
    return answer
