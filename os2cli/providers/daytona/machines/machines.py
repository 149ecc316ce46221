"""The machine provider for Daytona's sandboxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from os2cli.core.errors import NotFound, Os2Error, UsageError
from os2cli.core.models import (
    DAYTONA,
    Address,
    Command,
    Health,
    LogRequest,
    Machine,
    MachineSpec,
    MachineState,
    Streams,
)
from os2cli.core.progress import SILENT, Progress
from os2cli.host.tty import Terminal
from os2cli.machines.next_steps import not_running
from os2cli.machines.provider import WithoutHostPort, WithoutInsight
from os2cli.machines.tarball import Packed
from os2cli.providers import labels
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import DEFAULT, FAST, RetryPolicy
from os2cli.providers.daytona.api.wire import SandboxAnswer, SshAnswer, read
from os2cli.providers.daytona.machines.creation import SandboxCreation
from os2cli.providers.daytona.machines.executions import Execution
from os2cli.providers.daytona.machines.gateway_keys import GatewayAnswer, gateway_keys
from os2cli.providers.daytona.machines.guest import Guest
from os2cli.providers.daytona.machines.lifecycle import (
    ARCHIVE_SECONDS,
    CHANGE_SECONDS,
    POLL_SECONDS,
    WRITE,
    Change,
    sandbox_path,
)
from os2cli.providers.daytona.machines.listing import list_sandboxes
from os2cli.providers.daytona.machines.lookup import look_for, look_up
from os2cli.providers.daytona.machines.previews import Previews
from os2cli.providers.daytona.machines.sandboxes import (
    ARCHIVED,
    ENDING,
    GONE,
    STARTED,
    STOPPED,
    is_ours,
    machine_from,
    sandbox_name,
)
from os2cli.providers.daytona.machines.ssh import TOKEN_MINUTES, SshAccess, open_shell
from os2cli.providers.daytona.machines.toolbox import Toolbox
from os2cli.providers.daytona.machines.undoing import Undoing
from os2cli.providers.loopback import require_running


class DaytonaMachines(WithoutInsight, WithoutHostPort):
    """Sandboxes that carry our labels; os2 never touches others.

    Names are those of ``stage``; without a stage, only ``list`` works.
    """

    type = DAYTONA
    poll_seconds = POLL_SECONDS

    def __init__(self, client: DaytonaClient, stage: str | None, state_dir: Path) -> None:
        self.client = client
        self.stage = stage
        self.state_dir = state_dir
        self.previews = Previews(client)
        # A sandbox that was found once is asked for by its id, which is always right.
        self._ids: dict[str, str] = {}

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        """Create a sandbox; it may still be starting when this returns."""
        sandbox = SandboxCreation(self.client, spec, progress).create()
        self._ids[spec.name] = sandbox.id
        return machine_from(sandbox)

    def list(self) -> list[Machine]:
        """Return the machines of all stages; the list may be some seconds behind."""
        doing = "listing the machines on Daytona"
        sandboxes = list_sandboxes(self.client, doing, {labels.MACHINE: "1"})
        # By id: rows shift between pages while other machines are created.
        machines = {s.id: machine_from(s) for s in sandboxes if is_ours(s) and s.state != GONE}
        return sorted(machines.values(), key=lambda machine: (machine.name, machine.stage))

    def get(self, name: str) -> Machine:
        """Return the machine of that name in the stage."""
        return machine_from(self._get(name))

    def start(self, name: str, within: float | None = None) -> Machine:
        """Start the sandbox, also one that is archived or can be recovered; wait until it runs."""
        machine = self.get(name)
        if machine.state is MachineState.RUNNING:
            return machine
        if machine.state is MachineState.REMOVING or not machine.startable:
            raise not_running(machine)
        self.previews.forget(machine.id)
        change = Change(
            self.client, machine.id, f"starting machine {name}", within or CHANGE_SECONDS
        )
        failed = machine.state is MachineState.FAILED
        return change.reach("recover" if failed else "start", STARTED)

    def stop(self, name: str, within: float | None = None) -> Machine:
        """Stop the sandbox and wait until it has stopped; its files stay."""
        machine = self.get(name)
        if machine.state not in (MachineState.RUNNING, MachineState.CREATING, MachineState.PAUSED):
            return machine
        change = Change(
            self.client, machine.id, f"stopping machine {name}", within or CHANGE_SECONDS
        )
        try:
            return change.reach("stop", STOPPED)
        except NotFound:
            # Created with --auto-delete 0: Daytona removes it when it stops.
            return replace(machine, state=MachineState.REMOVING)

    def archive(self, name: str, within: float | None = None) -> Machine:
        """Stop the sandbox and move its files to cheap storage."""
        deadline = self.client.clock.now() + (within or ARCHIVE_SECONDS)
        machine = self.stop(name, within)
        if machine.state is MachineState.FAILED:
            raise not_running(machine)
        if machine.state is not MachineState.STOPPED or self._get(name).state in ARCHIVED:
            return machine
        left = max(deadline - self.client.clock.now(), 0.0)
        change = Change(self.client, machine.id, f"archiving machine {name}", left)
        return change.reach("archive", ARCHIVED)

    def remove(self, name: str, within: float | None = None) -> bool:
        """Remove the sandbox and wait until it is gone.

        One that can't be removed ``within`` this time is marked: it removes itself later.
        """
        try:
            sandbox = self._get(name, DEFAULT if within is None else FAST)
        except NotFound:
            return False
        if within is None:
            Change(self.client, sandbox.id, f"removing machine {name}").remove()
        else:
            Undoing(self.client, sandbox, name, within).run()
        self._ids.pop(name, None)
        return True

    def probe(self, machine: Machine) -> Health:
        """Ask the daemon for its health through its preview address."""
        if machine.state is not MachineState.RUNNING:
            return Health.NONE
        return self.previews.probe(machine.id)

    def address(self, machine: Machine) -> str | None:
        """Return the preview address of a running machine, else None."""
        if machine.state is not MachineState.RUNNING:
            return None
        try:
            return self.previews.address(machine.id)
        except Os2Error:
            return None

    def reach(self, machine: Machine, port: int, signed_seconds: int | None = None) -> Address:
        """Return the preview address of a port, even if nothing listens there."""
        return self.previews.reach(require_running(machine).id, port, signed_seconds)

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """Return the end of the entrypoint's log; empty if it is not available."""
        try:
            return self._guest(name, looking=True).log_tail(lines)
        except Os2Error:
            return ()

    def logs(self, name: str, request: LogRequest) -> Iterator[str]:
        """Yield lines of the entrypoint's log, or of a service's."""
        guest = self._guest(name, looking=True)
        return guest.service_log(request) if request.service else guest.log(request)

    def execute(self, name: str, command: Command, streams: Streams) -> int:
        """Run a program in a session of its own."""
        doing = f"running {command.argv[0]} in machine {name}"
        return Execution(self._toolbox(name), doing, self.client.clock).run(command, streams)

    def shell(self, name: str, terminal: Terminal) -> int:
        """Open a shell through Daytona's SSH access, with ``ssh`` on this process's terminal.

        Earlier tokens end, open shells do not.
        """
        machine = require_running(self.get(name))
        doing = f"opening a shell in machine {name}"
        path = f"{sandbox_path(machine.id)}/ssh-access?expiresInMinutes={TOKEN_MINUTES}"
        answer = read(SshAnswer, self.client.create(path, {}, doing=doing, needs=WRITE), doing)
        access = SshAccess.parse(answer.command, answer.token, doing)
        self.client.keep_secret({"token": answer.token})
        about = read(GatewayAnswer, self.client.get("/config", doing=doing), doing)
        keys = gateway_keys(about, access.host, access.port, self.client.url, self.state_dir, doing)
        return open_shell(access, keys, terminal)

    def send(self, name: str, archive: BinaryIO, folder: str) -> None:
        """Upload a tar and unpack it."""
        self._guest(name).unpack(archive, folder)

    def fetch(self, name: str, path: str) -> Packed:
        """Yield a tar of a file or folder of the machine."""
        return self._guest(name).packed(path)

    def _guest(self, name: str, *, looking: bool = False) -> Guest:
        return Guest(self._toolbox(name, looking=looking), name, self.client.clock)

    def _toolbox(self, name: str, *, looking: bool = False) -> Toolbox:
        """Return the sandbox's toolbox; raises ``Conflict`` if the machine is not running."""
        sandbox = self._get(name)
        require_running(machine_from(sandbox))
        return Toolbox(self.client, sandbox, name, looking=looking)

    def _get(self, name: str, policy: RetryPolicy = DEFAULT) -> SandboxAnswer:
        doing = f"looking for machine {name}"
        full_name = sandbox_name(self._stage(), name)
        known = self._ids.get(name)
        sandbox = look_for(self.client, known, doing, policy) if known else None
        if sandbox is None or sandbox.state in ENDING:
            # Another one may have its name by now.
            sandbox = look_up(self.client, full_name, doing, policy) or sandbox
        if sandbox is None or not is_ours(sandbox) or sandbox.state == GONE:
            raise NotFound(
                f"machine {name} not found in stage {self._stage()} on Daytona",
                hint="name another stage with --stage, or list the machines: os2 machine list",
                code="machine_not_found",
            )
        self._ids[name] = sandbox.id
        return sandbox

    def _stage(self) -> str:
        if self.stage is None:
            raise UsageError(
                "no stage is set, but machines on Daytona belong to one",
                hint="pass --stage STAGE, or set ITERATE_USER or APP_STAGE",
                code="stage_missing",
            )
        return self.stage
