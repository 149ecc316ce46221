"""The service that hands out the secrets of a build, for ``RUN --mount=type=secret``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grpc import ServicerContext, StatusCode

from os2cli.providers.local_docker.images.buildkit_messages import message_class
from os2cli.providers.local_docker.images.session.service import Service, unary


def service(secrets: Mapping[str, bytes]) -> Service:
    """Return a service that has ``secrets``, by id."""

    def get_secret(request: Any, call: ServicerContext) -> Any:
        if request.ID not in secrets:
            # BuildKit goes on without it, unless the mount has ``required``.
            call.abort(StatusCode.NOT_FOUND, f"no secret {request.ID}")
        return message_class("GetSecretResponse")(data=secrets[request.ID])

    methods = {"GetSecret": unary(get_secret, "GetSecretRequest")}
    return Service("moby.buildkit.secrets.v1.Secrets", methods)
