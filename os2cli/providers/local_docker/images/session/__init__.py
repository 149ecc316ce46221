"""What BuildKit asks its client for during a build, over a connection of its own.

The engine is the client there: it calls our services by gRPC.
"""

from os2cli.providers.local_docker.images.session.session import needs_session, opened_session

__all__ = ["needs_session", "opened_session"]
