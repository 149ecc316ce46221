"""What BuildKit asks its client for during a build, over a connection of its own.

The engine is the client there: it calls our services by gRPC.
"""

from os2cli.providers.local_docker.images.session import credentials, health, secrets, ssh_agent
from os2cli.providers.local_docker.images.session.file_sync import FileSync
from os2cli.providers.local_docker.images.session.service import Service
from os2cli.providers.local_docker.images.session.session import opened_session

__all__ = [
    "FileSync",
    "Service",
    "credentials",
    "health",
    "opened_session",
    "secrets",
    "ssh_agent",
]
