"""A build by the engine's BuildKit: started by a request, and fed by a session."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from os2cli.providers.local_docker.engine.client import EngineClient
from os2cli.providers.local_docker.images import logins
from os2cli.providers.local_docker.images.session import (
    FileSync,
    credentials,
    health,
    opened_session,
    secrets,
    ssh_agent,
)
from os2cli.snapshots.building import BuildRequest
from os2cli.snapshots.context import BuildContext, ContextEntry


@dataclass(frozen=True, slots=True)
class BuildKitBuild:
    """What BuildKit gets: ``parameters`` of the request, and what its session serves.

    ``dockerfile`` is what it reads instead of the context's.
    """

    request: BuildRequest
    context: BuildContext
    parameters: Mapping[str, Any]
    dockerfile: ContextEntry | None = None

    def events(self, client: EngineClient) -> Iterator[Mapping[str, Any]]:
        """Build, and yield the events of the answer.

        Raises:
            Os2Error: a file of the context cannot be read, or has changed.
        """
        files = FileSync(self.context, self.dockerfile)
        services = [
            health.service(),
            files.service(),
            credentials.service(logins.of_client(client)),
            secrets.service(self.request.secrets),
            ssh_agent.service(self.request.ssh_agents),
        ]
        with opened_session(client, services, self._shared_key) as session:
            started = {"version": "2", "remote": "client-session", "session": session}
            yield from client.start_build({**self.parameters, **started, "buildid": session})
            if files.failure is not None:
                raise files.failure

    @property
    def _shared_key(self) -> str:
        """The key under which BuildKit keeps the files of this directory."""
        return hashlib.sha256(f"os2 {self.context.root}".encode(errors="replace")).hexdigest()
