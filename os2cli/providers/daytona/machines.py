"""The machine provider for Daytona's sandboxes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from os2cli.errors import NotFound, OperationFailed, Os2Error, UsageError
from os2cli.models import Health, Machine, MachineSpec, MachineState, MachineType
from os2cli.progress import SILENT, Progress
from os2cli.providers import labels
from os2cli.providers.daytona.changes import CHANGE_SECONDS, POLL_SECONDS, Change, look_at
from os2cli.providers.daytona.client import DaytonaClient
from os2cli.providers.daytona.creation import SandboxCreation, listed
from os2cli.providers.daytona.previews import Previews
from os2cli.providers.daytona.refusals import is_json
from os2cli.providers.daytona.retry import HURRIED
from os2cli.providers.daytona.sandboxes import (
    GONE,
    STARTED,
    STOPPED,
    is_ours,
    machine_from,
    sandbox_name,
)
from os2cli.providers.daytona.wire import SandboxAnswer

if TYPE_CHECKING:
    import httpx

LIST_LIMIT, MOST_PAGES = 200, 500


class DaytonaMachines:
    """Sandboxes that carry our labels; every other one is left alone.

    ``stage`` is the one whose machines are meant by their names; None lists all and knows no names.
    """

    type = MachineType.DAYTONA
    poll_seconds = POLL_SECONDS

    def __init__(self, client: DaytonaClient, stage: str | None) -> None:
        self.client = client
        self.stage = stage
        self.previews = Previews(client)
        # For seconds after a removal a new sandbox of the same name is found by its id alone.
        self._ids: dict[str, str] = {}

    def create(self, spec: MachineSpec, progress: Progress = SILENT) -> Machine:
        """Create a sandbox; it may still be starting when this returns."""
        sandbox = SandboxCreation(self.client, spec, progress).create()
        self._ids[spec.name] = sandbox.id
        return machine_from(sandbox)

    def list(self) -> list[Machine]:
        """Every sandbox with our label; what was made or removed seconds ago may be amiss."""
        doing = "listing the machines on Daytona"
        query: dict[str, Any] = {
            "labels": json.dumps({labels.MACHINE: "1"}),
            "limit": LIST_LIMIT,
        }
        found: dict[str, Machine] = {}
        for _ in range(MOST_PAGES):
            sandboxes, cursor = listed(self.client.get("/sandbox", query, doing=doing), doing)
            found |= {s.id: machine_from(s) for s in sandboxes if is_ours(s) and s.state != GONE}
            if not cursor:
                break
            query["cursor"] = cursor
        return sorted(found.values(), key=lambda machine: (machine.name, machine.stage))

    def get(self, name: str) -> Machine:
        """The machine of that name in the stage."""
        return machine_from(self._get(name))

    def start(self, name: str) -> Machine:
        """Start the sandbox, also an archived one, and wait until it runs."""
        machine = self.get(name)
        if machine.state is not MachineState.RUNNING:
            self.previews.forget(machine.id)
            return self._change(machine, "start", f"starting machine {name}", STARTED)
        return machine

    def stop(self, name: str) -> Machine:
        """Stop the sandbox and wait until it has stopped; its files stay."""
        machine = self.get(name)
        if machine.state in (MachineState.RUNNING, MachineState.CREATING, MachineState.PAUSED):
            try:
                return self._change(machine, "stop", f"stopping machine {name}", STOPPED)
            except NotFound:
                # It was created so that it is removed when it has stopped.
                return replace(machine, state=MachineState.REMOVING)
        return machine

    def remove(self, name: str, within: float | None = None) -> bool:
        """Remove the sandbox and look until it is gone."""
        try:
            sandbox = self._get(name)
        except NotFound:
            return False
        doing = f"removing machine {name}"
        Change(self.client, sandbox.id, doing, within or CHANGE_SECONDS).remove()
        self._ids.pop(name, None)
        return True

    def probe(self, machine: Machine) -> Health:
        """Ask the daemon through its preview address."""
        if machine.state is not MachineState.RUNNING:
            return Health.NONE
        return self.previews.probe(machine.id)

    def address(self, machine: Machine) -> str | None:
        """The preview address of a machine that runs."""
        if machine.state is not MachineState.RUNNING:
            return None
        try:
            return self.previews.address(machine.id)
        except Os2Error:
            return None

    def log_tail(self, name: str, lines: int) -> tuple[str, ...]:
        """The end of what the entrypoint wrote; empty when it can't be had."""
        try:
            sandbox = self._get(name)
            return _entrypoint_log(self.client, sandbox)[-lines:]
        except Os2Error:
            return ()

    def _get(self, name: str) -> SandboxAnswer:
        doing = f"looking for machine {name}"
        missing = NotFound(
            f"there is no machine named {name} in stage {self._stage()} on Daytona",
            hint="os2 machine list shows those that exist, --stage names another stage",
            code="machine_not_found",
        )
        try:
            known = self._ids.get(name) or sandbox_name(self._stage(), name)
            sandbox = look_at(self.client, known, doing)
        except NotFound:
            raise missing from None
        if not is_ours(sandbox) or sandbox.state == GONE:
            raise missing
        return sandbox

    def _stage(self) -> str:
        if self.stage is None:
            raise UsageError(
                "no stage is set, and machines on Daytona are named within one",
                hint="pass --stage STAGE, or set ITERATE_USER or APP_STAGE",
                code="stage_missing",
            )
        return self.stage

    def _change(self, machine: Machine, verb: str, doing: str, states: frozenset[str]) -> Machine:
        now = machine

        def reached() -> bool:
            nonlocal now
            sandbox = look_at(self.client, machine.id, doing)
            now = machine_from(sandbox)
            if now.state is MachineState.FAILED:
                raise OperationFailed(
                    f"{doing} failed: {now.reason or 'Daytona gives no reason'}",
                    hint=f"remove it: os2 machine rm {machine.name}",
                    code="machine_ended",
                )
            return sandbox.state in states

        change = Change(self.client, machine.id, doing)
        change.ask(verb)
        change.wait(reached)
        return now


def _entrypoint_log(client: DaytonaClient, sandbox: SandboxAnswer) -> tuple[str, ...]:
    if not sandbox.toolbox_url:
        return ()
    address = f"{sandbox.toolbox_url.rstrip('/')}/{sandbox.id}/process/session/entrypoint/logs"
    import httpx

    try:
        answer = client.connections_for(address).get(address, timeout=HURRIED.answer_seconds)
        text = _written(answer) if answer.is_success else ""
    # ValueError: no host can have such a name, or what says that it is JSON is none.
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return ()
    return tuple(client.redact(line) for line in text.splitlines())


def _written(answer: httpx.Response) -> str:
    if not is_json(answer):
        return answer.text
    data = answer.json()
    if not isinstance(data, dict):
        return ""
    return str(data.get("output") or f"{data.get('stdout') or ''}{data.get('stderr') or ''}")
