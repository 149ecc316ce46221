"""The service that hands out logins to registries: those of ``docker login``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grpc import ServicerContext

from os2cli.providers.local_docker.images.buildkit_messages import message_class
from os2cli.providers.local_docker.images.session.service import Service, unary

# The login of a registry, by its host: user name and password, both empty for none. A user name
# that is empty says that the password is an identity token.
Logins = Callable[[str], tuple[str, str]]


def service(logins: Logins) -> Service:
    """Return a service that has ``logins``.

    It asks for no token itself: with a login, or without one, BuildKit does.
    """

    def credentials(request: Any, call: ServicerContext) -> Any:
        del call
        user, secret = logins(request.Host)
        return message_class("CredentialsResponse")(Username=user, Secret=secret)

    methods = {"Credentials": unary(credentials, "CredentialsRequest")}
    return Service("moby.filesync.v1.Auth", methods)
