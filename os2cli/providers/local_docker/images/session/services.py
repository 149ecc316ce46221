"""All services of a session, on one server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from h2.exceptions import H2Error

from os2cli.providers.local_docker.images.session import health, secrets
from os2cli.providers.local_docker.images.session.calls import Methods
from os2cli.providers.local_docker.images.session.server import Server, Wire


def methods(of_build: Mapping[str, bytes]) -> Methods:
    """Return the methods of the services that a build with these secrets has."""
    return {**health.methods(), **secrets.methods(of_build)}


def serve(wire: Wire, served: Methods) -> None:
    """Answer calls until the connection ends; the build reports what it then lacks."""
    with suppress(OSError, H2Error):
        Server(wire, served).serve()
