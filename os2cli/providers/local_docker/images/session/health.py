"""The service that BuildKit asks every few seconds: without an answer it gives the session up."""

from __future__ import annotations

from typing import Any

from os2cli.providers.local_docker.images.buildkit_messages import message_class
from os2cli.providers.local_docker.images.session.service import Service, unary

_SERVING = 1


def service() -> Service:
    """Return the service."""
    return Service("grpc.health.v1.Health", {"Check": unary(_check, "HealthCheckRequest")})


def _check(request: Any, call: Any) -> Any:
    del request, call
    return message_class("HealthCheckResponse")(status=_SERVING)
