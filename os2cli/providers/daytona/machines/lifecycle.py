"""Changes of a sandbox, which take a while: request one, and wait until it is done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from os2cli.core.errors import Conflict, NotFound, OperationFailed, TimedOut
from os2cli.core.models import Machine, MachineState
from os2cli.core.waiting import Wait
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
_WAITING = {
    "start": "os2 machine wait {}",
    "recover": "os2 machine wait {}",
    "stop": "os2 machine wait {} --for stopped",
    "archive": "os2 machine archive {}",
}


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
        # Every change is named like "starting machine dev-1".
        self.name = doing.rpartition(" ")[2]
        self.seconds = seconds
        self.deadline = client.clock.now() + seconds
        goal, go_on = f"the removal of machine {self.name}", f"os2 machine rm {self.name}"
        self.wait = Wait(goal, seconds, self._late, go_on=go_on, clock=client.clock)
        self.policy = DEFAULT if seconds >= CHANGE_SECONDS else FAST
        self.accepted = False

    def reach(self, verb: str, states: frozenset[str]) -> Machine:
        """Start, stop or archive the sandbox, and wait until it is in one of the states.

        Raises:
            OperationFailed: the sandbox failed.
            TimedOut: it took too long.
        """
        self.wait.goal = f"machine {self.name} to {verb}"
        self.wait.go_on = _WAITING[verb].format(self.name)

        def is_done() -> bool:
            return self._look().state in states

        self._retry_until_accepted("POST", f"{self.path}/{verb}", WRITE, is_done)
        while True:
            sandbox = self._look()
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
        self._retry_until_accepted("DELETE", self.path, DELETE, self._gone, on_refusal)
        while not self._gone():
            self._pause("it is not done yet")

    def _retry_until_accepted(
        self,
        method: str,
        path: str,
        needs: str,
        is_done: Callable[[], bool],
        on_refusal: Callable[[], None] = lambda: None,
    ) -> None:
        sent, rounds = 0, 0

        def request() -> None:
            nonlocal sent
            sent += 1
            self.client.change(method, path, doing=self.doing, needs=needs, policy=self.policy)

        while True:
            rounds += 1
            try:
                self.wait.request(request)
            except NotFound:
                pass
            except OperationFailed as error:
                # An earlier request may have had its effect: the state tells.
                if sent == 1 or error.code != "request_refused":
                    raise
            except Conflict as error:
                if error.code != Conflict.default_code:
                    raise  # it is about the snapshot
                # In each round one request is answered; of more, the answers were lost.
                if sent == rounds or not is_done():
                    sent = rounds
                    on_refusal()
                    self._pause(error.message)
                    continue
            self.accepted = True
            return

    def _gone(self) -> bool:
        try:
            return self._look().state == GONE
        except NotFound:
            return True

    def _look(self) -> SandboxAnswer:
        return self.wait.ask(partial(look_at, self.client, self.id, self.doing, self.policy))

    def _pause(self, reason: str) -> None:
        if self.wait.over:
            raise self._late(reason)
        self.client.clock.sleep(POLL_SECONDS)

    def _late(self, reason: str) -> TimedOut:
        return TimedOut(
            f"{self.doing} timed out after {self.seconds:g} s: {reason}",
            hint=f"to go on waiting: {self.wait.go_on}",
        )
