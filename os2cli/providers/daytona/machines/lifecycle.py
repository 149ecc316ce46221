"""Changes of a sandbox, which take a while: request one, and wait until it is done."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from os2cli.core.errors import Conflict, NotFound, OperationFailed, TimedOut
from os2cli.core.models import Machine, MachineState
from os2cli.machines.next_steps import next_step
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import DEFAULT, FAST, RetryPolicy
from os2cli.providers.daytona.api.wire import SandboxAnswer, read
from os2cli.providers.daytona.machines.sandboxes import GONE, machine_from

WRITE, DELETE = "write:sandboxes", "delete:sandboxes"
CHANGE_SECONDS = 90.0
# Archiving moves the files to another store.
ARCHIVE_SECONDS = 600.0
POLL_SECONDS = 0.5


def sandbox_path(name: str) -> str:
    """Return the API's path of a sandbox, by name or id."""
    return f"/sandbox/{quote(name, safe='')}"


def look_at(
    client: DaytonaClient, name: str, doing: str, policy: RetryPolicy = DEFAULT
) -> SandboxAnswer:
    """Return a sandbox by name or id; raises ``NotFound``."""
    answer = client.get(sandbox_path(name), doing=doing, policy=policy)
    return read(SandboxAnswer, answer, doing)


class Change:
    """One change of one sandbox, all of whose steps share ``seconds``."""

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
        self.accepted = False

    def reach(self, verb: str, states: frozenset[str]) -> Machine:
        """Start, stop or archive the sandbox, and wait until it is in one of the states.

        Raises:
            OperationFailed: the sandbox failed.
            TimedOut: it took too long.
        """
        self._retry_until_accepted("POST", f"{self.path}/{verb}", WRITE)
        while True:
            sandbox = look_at(self.client, self.id, self.doing)
            machine = machine_from(sandbox)
            if machine.state is MachineState.FAILED:
                raise OperationFailed(
                    f"{self.doing} failed: {machine.reason or 'Daytona gave no reason'}",
                    hint=next_step(machine),
                    code="machine_ended",
                )
            if sandbox.state in states:
                return machine
            self._pause("it is not done yet")

    def remove(self, on_refusal: Callable[[], None] = lambda: None) -> None:
        """Remove the sandbox and wait until it is gone.

        ``on_refusal`` is called each time that another change of it is in progress.
        """
        self._retry_until_accepted("DELETE", self.path, DELETE, on_refusal)
        while not self._gone():
            self._pause("it is not done yet")

    def _retry_until_accepted(
        self, method: str, path: str, needs: str, on_refusal: Callable[[], None] = lambda: None
    ) -> None:
        while True:
            try:
                self.client.change(method, path, doing=self.doing, needs=needs, policy=self.policy)
            except NotFound:
                pass
            except Conflict as error:
                if error.code != Conflict.default_code:
                    raise  # it is about the snapshot
                on_refusal()
                self._pause(error.message)
                continue
            self.accepted = True
            return

    def _gone(self) -> bool:
        try:
            return look_at(self.client, self.id, self.doing, self.policy).state == GONE
        except NotFound:
            return True

    def _pause(self, reason: str) -> None:
        if self.client.clock.now() >= self.deadline:
            raise TimedOut(
                f"{self.doing} timed out after {self.seconds:g} s: {reason}",
                hint="run the command again, or see the machine's state: os2 machine list",
            )
        self.client.clock.sleep(POLL_SECONDS)
