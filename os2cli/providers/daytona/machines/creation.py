"""Creating a machine's sandbox: exactly once even if the answer is lost, or not at all."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error, TimedOut
from os2cli.core.models import MachineSpec
from os2cli.core.progress import Progress
from os2cli.core.waiting import Wait, allowed_seconds
from os2cli.host.interrupts import BackgroundCall
from os2cli.providers import labels
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.errors import LostAnswer
from os2cli.providers.daytona.api.retry import CREATING, DEFAULT, FAST, RetryPolicy
from os2cli.providers.daytona.api.wire import SandboxAnswer, read
from os2cli.providers.daytona.machines.lifecycle import CHANGE_SECONDS, WRITE, Change, look_at
from os2cli.providers.daytona.machines.listing import list_sandboxes
from os2cli.providers.daytona.machines.sandboxes import sandbox_name, sandbox_request

ATTEMPTS = 3
# A list is 1 to 3 s behind, and Daytona caches that a name was free.
SEARCHES, SEARCH_SECONDS = 4, 1.0
LATE_ANSWER_SECONDS, UNDO_SECONDS = 2.0, 4.5


class SandboxCreation:
    """One creation of one machine; a label of its own marks its sandbox."""

    def __init__(self, client: DaytonaClient, spec: MachineSpec, progress: Progress) -> None:
        self.client = client
        self.spec = spec
        self.progress = progress
        self.name = sandbox_name(spec.stage, spec.name)
        self.doing = f"creating machine {spec.name}"
        self.request_id = uuid.uuid4().hex
        self._abandoned = threading.Event()
        seconds = allowed_seconds(CHANGE_SECONDS)
        goal, go_on = f"machine {spec.name} to be created", f"os2 machine create {spec.name}"
        self._wait = Wait(goal, seconds, self._late, go_on=go_on, clock=client.clock)
        client.keep_secret(spec.env)

    def create(self) -> SandboxAnswer:
        """Create the sandbox, which may still be starting; an error leaves none behind."""
        pending = BackgroundCall(self._create, at_once=False)
        try:
            return pending.answer()
        except Os2Error:
            raise
        except BaseException:
            self._abandoned.set()
            self.progress.notice(f"removing the unfinished machine {self.spec.name}")
            started = self.client.clock.now()
            sandbox = pending.result_within(LATE_ANSWER_SECONDS)
            self._remove(sandbox, UNDO_SECONDS - (self.client.clock.now() - started))
            raise

    def _create(self) -> SandboxAnswer:
        body = sandbox_request(self.spec, self.client.access.target, self.request_id)
        for _ in range(ATTEMPTS):
            try:
                return self._wait.request(partial(self._post, body))
            except LostAnswer as error:
                lost = error
            except Conflict as error:
                if error.code != Conflict.default_code:
                    raise  # it is about the snapshot
                sandbox = self._find(searches=1)
                if sandbox is None:
                    raise self._taken(error) from error
                return sandbox
            except OperationFailed as error:
                if "failed to start" in error.message:
                    self._remove(None, UNDO_SECONDS)
                raise
            try:
                sandbox = self._find(searches=SEARCHES)
            except TimedOut:
                raise
            except Os2Error:
                break
            if sandbox is not None:
                return sandbox
            if self._abandoned.is_set():
                break
        raise self._unknown(lost) from lost

    def _post(self, body: Mapping[str, Any]) -> SandboxAnswer:
        answer = self.client.create(
            "/sandbox", body, doing=self.doing, needs=WRITE, policy=CREATING
        )
        return read(SandboxAnswer, answer, self.doing)

    def _late(self, silence: str) -> TimedOut:
        name = self.spec.name
        return TimedOut(
            f"{self.doing} timed out: {silence}",
            hint=f"see whether it exists: os2 machine list; else: os2 machine create {name}",
        )

    def _find(self, searches: int, policy: RetryPolicy = DEFAULT) -> SandboxAnswer | None:
        """Find the sandbox that was created although the answer was lost."""
        for number in range(searches):
            if number:
                self.client.clock.sleep(SEARCH_SECONDS)
            for look_up in (self._by_name, self._by_label):
                ask = partial(look_up, policy)
                # A rollback does not outlast an outage.
                sandbox = ask() if policy is FAST else self._wait.ask(ask)
                if sandbox and sandbox.labels.get(labels.REQUEST) == self.request_id:
                    return sandbox
        return None

    def _by_name(self, policy: RetryPolicy = DEFAULT) -> SandboxAnswer | None:
        try:
            return look_at(self.client, self.name, self.doing, policy)
        except NotFound:
            return None

    def _by_label(self, policy: RetryPolicy) -> SandboxAnswer | None:
        marks = {labels.REQUEST: self.request_id}
        return next(list_sandboxes(self.client, self.doing, marks, policy), None)

    def _unknown(self, error: LostAnswer) -> LostAnswer:
        return LostAnswer(
            error.message,
            hint="it may have been created nevertheless; to remove it: "
            f"os2 machine rm {self.spec.name}",
        )

    def _taken(self, error: Conflict) -> Conflict:
        existing = self._by_name()
        if existing is not None and existing.labels.get(labels.MACHINE) != "1":
            return Conflict(
                f"sandbox {self.name} already exists, but os2 did not create it",
                hint="choose another machine name",
                code="name_taken",
            )
        if existing is None and "state change" in error.message:
            return error
        name, stage = self.spec.name, self.spec.stage
        return Conflict(
            f"machine {name} already exists in stage {stage}",
            hint=f"choose another name, or remove it: os2 machine rm {name}",
            code="machine_exists",
        )

    def _remove(self, sandbox: SandboxAnswer | None, seconds: float) -> None:
        """Remove the sandbox of this creation, and find it first if its answer is missing."""
        name = self.spec.name
        try:
            sandbox = sandbox or self._find(searches=1, policy=FAST)
            if sandbox is not None:
                Change(self.client, sandbox.id, f"removing machine {name}", seconds).remove()
        except Os2Error as error:
            exists = "still exists" if sandbox else "may still exist"
            self.progress.warn(f"machine {name} {exists}: {error.message}")
            self.progress.warn(
                f"remove it: os2 machine rm {name} --type daytona --stage {self.spec.stage}"
            )
