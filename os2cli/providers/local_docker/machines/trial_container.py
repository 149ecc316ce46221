"""The container and the network of a trial: see ``trial``."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from docker.errors import APIError

from os2cli.core.deadline import apart
from os2cli.core.defaults import DAEMON_PORT
from os2cli.core.errors import Os2Error
from os2cli.core.models import Command, MachineSpec
from os2cli.host.ports import candidate_ports
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.engine.failures import SDK_ERRORS, explanation
from os2cli.providers.local_docker.engine.temporary import Temporary
from os2cli.providers.local_docker.machines.containers import (
    Surroundings,
    container_name,
    container_request,
    start_container,
)
from os2cli.providers.local_docker.machines.executions import Execution
from os2cli.providers.local_docker.machines.mount import REPOSITORY_MOUNT, packed_file
from os2cli.providers.local_docker.machines.networks import new_network
from os2cli.providers.local_docker.machines.ports import port_holders
from os2cli.providers.local_docker.machines.surroundings import GATEWAY, surroundings_for

UNDO_SECONDS = 0.9
# Longer than a trial; a container that nothing else ends is gone after that.
_LIFE_SECONDS = 15
_SERVER = (
    f"setTimeout(() => process.exit(), {_LIFE_SECONDS}000); require('http')"
    f".createServer((_, answer) => answer.end(process.env.OS2_TRIAL)).listen({DAEMON_PORT})"
)
_SERVE = f"""command -v node >/dev/null || exec sleep {_LIFE_SECONDS}; exec node -e "{_SERVER}\""""
MARK_FILE = "mark"


@dataclass(slots=True)
class TrialContainer:
    """The container of one trial: its server answers with ``mark``, which a file holds too.

    The file comes to it as the files of ``--mount-repo`` do; ``unsent`` is why it did not.
    """

    engine: Engine
    image: str
    temporary: Temporary
    mark: str
    around: Surroundings = field(default_factory=Surroundings)
    unsent: str | None = None

    @property
    def spec(self) -> MachineSpec:
        """The machine that is tried, without a stage."""
        return MachineSpec(self.temporary.name, "", self.image)

    @property
    def container(self) -> str:
        """The container's name."""
        return container_name(self.temporary.name)

    def start(self) -> int:
        """Create the network and the container, start it, and return its port on this host."""
        around = surroundings_for(self.engine, self.spec, certificates=False)
        network = new_network(self.engine, self.temporary.name, around.pools, self.temporary.labels)
        self.around = replace(around, network=network)
        port = next(candidate_ports(port_holders(self.engine)))
        while True:
            try:
                with self.engine.errors("starting a machine to try the engine"):
                    self._start(port)
                return port
            except Os2Error as error:
                if not self._goes_without(error):
                    raise
                self._remove_container()

    def _start(self, port: int) -> None:
        client = self.engine.client
        request = container_request(client, self.spec, port, datetime.now(UTC), self.around)
        # Not a machine: no list shows it.
        request["labels"] = self.temporary.labels
        request["environment"] = {"OS2_TRIAL": self.mark}
        request["entrypoint"], request["command"] = ["sh", "-c", _SERVE], []
        request["healthcheck"] = {"test": ["NONE"]}
        request["host_config"]["AutoRemove"] = True
        request["volumes"] = [*(request.get("volumes") or ()), REPOSITORY_MOUNT]
        client.create_container(**request)
        try:
            client.send_files(
                self.container, REPOSITORY_MOUNT, packed_file(MARK_FILE, self.mark.encode())
            )
        except APIError as error:
            self.unsent = explanation(error)
        start_container(self.engine, self.container, port)

    def _goes_without(self, error: Os2Error) -> bool:
        """Return whether machines go without what the engine refused, which is left out then."""
        if GATEWAY in error.message and self.around.hosts:
            self.around = replace(self.around, hosts={})
        elif "::1" in error.message and len(self.around.addresses) > 1:
            self.around = self.around.without_ipv6()
        else:
            return False
        return True

    def output(self, *argv: str) -> str:
        """Run a program in the container, and return what it prints."""
        doing = "running a program in a machine to try the engine"
        execution = Execution(self.engine, self.container, doing)
        return b"".join(execution.output(Command(argv))).decode(errors="replace")

    def remove(self) -> None:
        """Remove the container and its network, as far as the engine answers in time."""
        with apart(UNDO_SECONDS):
            self._remove_container()
            with suppress(Os2Error, *SDK_ERRORS):
                self.engine.client.remove_network(self.container)

    def _remove_container(self) -> None:
        # Not `tidying`, which takes more time than a trial has.
        with suppress(Os2Error, *SDK_ERRORS):
            self.engine.client.remove_container(self.container, force=True, v=True)
