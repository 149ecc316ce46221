"""Asking for a change of a sandbox, which takes a while, and waiting until it has come about."""

from __future__ import annotations

from urllib.parse import quote

from os2cli.core.errors import Conflict, NotFound, OperationFailed, TimedOut
from os2cli.core.models import Machine, MachineState
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import DEFAULT, FAST, RetryPolicy
from os2cli.providers.daytona.api.wire import SandboxAnswer, read
from os2cli.providers.daytona.machines.sandboxes import GONE, machine_from

WRITE, DELETE = "write:sandboxes", "delete:sandboxes"
CHANGE_SECONDS = 90.0
# Its files are moved to another store.
ARCHIVE_SECONDS = 600.0
POLL_SECONDS = 0.5


def sandbox_path(name: str) -> str:
    """The path of a sandbox by its name or id."""
    return f"/sandbox/{quote(name, safe='')}"


def look_at(
    client: DaytonaClient, name: str, doing: str, policy: RetryPolicy = DEFAULT
) -> SandboxAnswer:
    """A sandbox by its name or id; raises ``NotFound``."""
    answer = client.get(sandbox_path(name), doing=doing, policy=policy)
    return read(SandboxAnswer, answer, doing)


class Change:
    """What is being done to one sandbox; all of it has ``seconds`` together."""

    def __init__(
        self, client: DaytonaClient, sandbox_id: str, doing: str, seconds: float = CHANGE_SECONDS
    ) -> None:
        self.client = client
        self.id = sandbox_id
        self.path = sandbox_path(sandbox_id)
        self.doing = doing
        self.seconds = seconds
        self.deadline = client.clock.now() + seconds
        self.policy = DEFAULT if seconds >= CHANGE_SECONDS else FAST

    def reach(self, verb: str, states: frozenset[str]) -> Machine:
        """Ask for a start, a stop or an archiving, and wait for one of the states.

        Raises:
            OperationFailed: the sandbox failed meanwhile.
            TimedOut: it was not in time.
        """
        self._retry_until_accepted("POST", f"{self.path}/{verb}", WRITE)
        while True:
            sandbox = look_at(self.client, self.id, self.doing)
            machine = machine_from(sandbox)
            if machine.state is MachineState.FAILED:
                raise OperationFailed(
                    f"{self.doing} failed: {machine.reason or 'Daytona gives no reason'}",
                    hint=f"remove it: os2 machine rm {machine.name}",
                    code="machine_ended",
                )
            if sandbox.state in states:
                return machine
            self._pause("it is not done yet")

    def remove(self) -> None:
        """Remove the sandbox and look until it is gone."""
        self._retry_until_accepted("DELETE", self.path, DELETE)
        while not self._gone():
            self._pause("it is not done yet")

    def _retry_until_accepted(self, method: str, path: str, needs: str) -> None:
        while True:
            try:
                self.client.change(method, path, doing=self.doing, needs=needs, policy=self.policy)
            except NotFound:
                return
            except Conflict as error:
                if error.code != Conflict.default_code:
                    raise  # it is about the snapshot
                self._pause(error.message)
            else:
                return

    def _gone(self) -> bool:
        try:
            return look_at(self.client, self.id, self.doing, self.policy).state == GONE
        except NotFound:
            return True

    def _pause(self, why: str) -> None:
        if self.client.clock.now() >= self.deadline:
            raise TimedOut(
                f"{self.doing} was not done within {self.seconds:g} s: {why}",
                hint="os2 machine list shows what it is at; run the command again",
            )
        self.client.clock.sleep(POLL_SECONDS)
