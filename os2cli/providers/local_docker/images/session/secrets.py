"""The service that hands out the secrets of a build, for ``RUN --mount=type=secret``."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.message import DecodeError

from os2cli.providers.local_docker.images.buildkit_messages import message_class
from os2cli.providers.local_docker.images.session.calls import CallFailed, Code, Methods

METHOD = "/moby.buildkit.secrets.v1.Secrets/GetSecret"


def methods(secrets: Mapping[str, bytes]) -> Methods:
    """Return the methods of a service that has ``secrets``, by id."""

    def get_secret(request: bytes) -> bytes:
        identity = _identity(request)
        if identity not in secrets:
            # BuildKit goes on without it, unless the mount has ``required``.
            raise CallFailed(Code.NOT_FOUND, f"no secret {identity}")
        message = message_class("GetSecretResponse")(data=secrets[identity])
        answer: bytes = message.SerializeToString()
        return answer

    return {METHOD: get_secret}


def _identity(request: bytes) -> str:
    message = message_class("GetSecretRequest")()
    try:
        message.ParseFromString(request)
    except DecodeError:
        raise CallFailed(Code.INVALID_ARGUMENT, "the request cannot be decoded") from None
    return str(message.ID)
