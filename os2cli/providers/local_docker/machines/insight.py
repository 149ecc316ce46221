"""What an engine tells of its machines beside their state, and what it keeps of gone ones."""

from __future__ import annotations

from os2cli.core.errors import Conflict
from os2cli.core.limits import Usage, killed_for_memory
from os2cli.core.models import Command, Machine, Streams
from os2cli.core.notices import NOTICES
from os2cli.providers.local_docker.engine.engine import Engine
from os2cli.providers.local_docker.machines.executions import Execution
from os2cli.providers.local_docker.machines.name_locks import NameLocks
from os2cli.providers.local_docker.machines.networks import networks_left, remove_network_left
from os2cli.providers.local_docker.machines.stats import container_usage, memory_kills


class Insight:
    """The part of a provider that measures machines, and finds what is left of them."""

    engine: Engine
    locks: NameLocks

    def usage(self, machine: Machine, *, disk: bool) -> Usage:
        """Ask the engine."""
        return container_usage(self.engine, machine, disk=disk)

    def memory_kills(self, machine: Machine) -> int:
        """Read the kernel's count in the machine."""
        return memory_kills(self.engine, machine)

    def remnants(self) -> list[Machine]:
        """Return machines of which only the network is left."""
        return networks_left(self.engine, self.locks)

    def remove_remnant(self, name: str) -> bool:
        """Remove the network of a machine without a container, unless it is being created."""
        try:
            with self.locks.held(name):
                return remove_network_left(self.engine, name, self.locks.creator)
        except Conflict:
            return False


def run_and_warn(execution: Execution, machine: Machine, command: Command, streams: Streams) -> int:
    """Run a program and return its exit code; warn if something was killed for memory meanwhile."""
    code = execution.run(command, streams)
    if execution.memory_kills:
        NOTICES.warn(f"machine {machine.name}: {killed_for_memory(machine.limits)}")
    return code
