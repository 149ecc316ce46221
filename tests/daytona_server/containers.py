"""The engine behind the server: images that are really built, sandboxes that really run."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from os2cli.core.errors import Os2Error
from os2cli.providers.local_docker.engine.address import Endpoint
from os2cli.providers.local_docker.engine.connection import connect
from os2cli.providers.local_docker.images.build_events import BuildEvents
from tests.daytona_server.build_lines import BuildLines
from tests.daytona_server.builds import BuildFailed
from tests.daytona_server.contexts import build_context
from tests.daytona_server.sandbox_states import StartFailed

if TYPE_CHECKING:
    import docker

    from tests.daytona_server.records import SandboxRecord, SnapshotRecord
    from tests.daytona_server.state import World

PLATFORM = "linux/amd64"
LABEL = "dev.os2.test.daytona"


class Containers:
    """Images and containers of one server; ``close`` removes them and nothing else."""

    def __init__(self, url: str) -> None:
        self.endpoint = Endpoint(url, "the Daytona test server")
        # The stubs of what is between them leave out types.
        self.client: Any = connect(self.endpoint)
        self.owner = uuid.uuid4().hex
        self.images: list[str] = []

    # --- images -----------------------------------------------------------------------------

    def build(self, world: World, record: SnapshotRecord, write: Callable[[str], None]) -> str:
        """Build a snapshot as the platform's runners do, and name the image.

        Raises:
            BuildFailed: a context is missing, or the build failed.
        """
        assert record.dockerfile is not None
        with build_context(world, record) as context:
            builder = self._builder()
            try:
                events = builder.build(
                    fileobj=context,
                    custom_context=True,
                    decode=True,
                    tag=self._name(record),
                    labels={LABEL: self.owner},
                    platform=PLATFORM,
                    rm=True,
                    forcerm=True,
                    timeout=None,
                )
                BuildEvents(BuildLines(write)).follow(events)
            except Os2Error as error:
                reason = str(error).removeprefix("the image could not be built: ")
                raise BuildFailed(reason) from error
            except DockerException as error:
                raise BuildFailed(_reason(error)) from error
            finally:
                builder.close()
        return self._name(record)

    def fetch(self, world: World, record: SnapshotRecord) -> str:
        """Get an image from the transient registry, or find it on the engine, and name it.

        Raises:
            BuildFailed: there is no such image.
        """
        reference = record.image_name or ""
        registry = world.registry
        if registry is not None and reference.startswith(f"{registry.host}/"):
            was_here = self._has(reference)
            self._pull(reference, registry.pull.auth_config)
            self._take(reference, record)
            if not was_here:
                self.client.remove_image(reference, noprune=True)
        elif self._has(reference):
            self._take(reference, record)
        else:
            raise BuildFailed(f"failed to pull image {reference}: manifest unknown")
        return self._name(record)

    def _builder(self) -> docker.APIClient:
        client = connect(self.endpoint)
        # Asks for BuildKit, so that other builds on this engine share its cache.
        client.params = {"version": "2"}
        return client

    def _pull(self, reference: str, login: dict[str, str]) -> None:
        try:
            events = self.client.pull(reference, stream=True, decode=True, auth_config=login)
            for event in events:
                if "error" in event:
                    raise BuildFailed(f"failed to pull image {reference}: {event['error']}")
        except DockerException as error:
            raise BuildFailed(f"failed to pull image {reference}: {_reason(error)}") from error

    def _has(self, reference: str) -> bool:
        try:
            self.client.inspect_image(reference)
        except ImageNotFound:
            return False
        return True

    def _take(self, reference: str, record: SnapshotRecord) -> None:
        """Give the image a name of our own, since the client that pushed it may remove its own."""
        repository, _, tag = self._name(record).rpartition(":")
        self.client.tag(reference, repository, tag)

    def _name(self, record: SnapshotRecord) -> str:
        name = f"os2-test-daytona/{record.id}:built"
        if name not in self.images:
            self.images.append(name)
        return name

    def image_size(self, image: str) -> int:
        """Return the size of an image in bytes."""
        return int(self.client.inspect_image(image)["Size"])

    def image_entrypoint(self, image: str) -> list[str] | None:
        """Return the entry point that an image itself has."""
        config = self.client.inspect_image(image)["Config"]
        return config.get("Entrypoint") or None

    # --- containers -------------------------------------------------------------------------

    def create(self, world: World, sandbox: SandboxRecord) -> None:
        """Make the container of a new sandbox and start it with the snapshot's entry point.

        Raises:
            StartFailed: the engine refuses it.
        """
        bindings: dict[int | str, Any] = dict.fromkeys(world.published_ports, ("127.0.0.1",))
        try:
            container = self.client.create_container(
                sandbox.image or sandbox.snapshot,
                entrypoint=sandbox.entrypoint or None,
                environment=sandbox.env,
                labels={LABEL: self.owner},
                ports=list(world.published_ports),
                host_config=self.client.create_host_config(port_bindings=bindings),
                name=f"os2-test-daytona-{sandbox.id}",
            )
        except DockerException as error:
            raise StartFailed(_reason(error)) from error
        sandbox.container = container["Id"]
        self.start(sandbox)

    def start(self, sandbox: SandboxRecord) -> None:
        """Start a container and note where its ports are now.

        Raises:
            StartFailed: the engine can't.
        """
        assert sandbox.container is not None
        try:
            self.client.start(sandbox.container)
            published = self.client.inspect_container(sandbox.container)["NetworkSettings"]["Ports"]
        except DockerException as error:
            raise StartFailed(_reason(error)) from error
        sandbox.ports = {
            int(port.partition("/")[0]): int(where[0]["HostPort"])
            for port, where in published.items()
            if where
        }

    def stop(self, sandbox: SandboxRecord, force: bool) -> None:
        """Stop a container; its files stay."""
        sandbox.ports = {}
        if sandbox.container is not None:
            self.client.stop(sandbox.container, timeout=0 if force else 10)

    def remove(self, sandbox: SandboxRecord) -> None:
        """Remove the container of a sandbox, if it has one."""
        sandbox.ports = {}
        if sandbox.container is not None:
            self._remove(sandbox.container)

    def _remove(self, container: str) -> None:
        try:
            self.client.remove_container(container, force=True, v=True)
        except NotFound:
            return

    # --- the end ----------------------------------------------------------------------------

    def remove_all(self) -> None:
        """Remove every container of this server, and with it all that runs in there."""
        ours = {"label": f"{LABEL}={self.owner}"}
        for container in self.client.containers(all=True, filters=ours):
            self._remove(container["Id"])

    def close(self) -> None:
        """Remove every container and image that is this server's own."""
        self.remove_all()
        for image in self.images:
            if self._has(image):
                self.client.remove_image(image, force=True)
        self.client.close()


def _reason(error: Any) -> str:
    return str(error.explanation or error) if isinstance(error, APIError) else str(error)
