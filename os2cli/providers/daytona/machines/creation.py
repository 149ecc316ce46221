"""Making a machine's sandbox: once, whatever becomes of the answer, or not at all."""

from __future__ import annotations

import threading
import uuid

from os2cli.core.errors import Conflict, NotFound, OperationFailed, Os2Error
from os2cli.core.models import MachineSpec
from os2cli.core.progress import Progress
from os2cli.host.interrupts import BackgroundCall
from os2cli.providers import labels
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.errors import LostAnswer
from os2cli.providers.daytona.api.retry import CREATING, DEFAULT, FAST, RetryPolicy
from os2cli.providers.daytona.api.wire import SandboxAnswer, read
from os2cli.providers.daytona.machines.lifecycle import WRITE, Change, look_at
from os2cli.providers.daytona.machines.listing import list_sandboxes
from os2cli.providers.daytona.machines.sandboxes import sandbox_name, sandbox_request

ATTEMPTS = 3
# A list is behind by 1 to 3 s, and a name that was free just now is looked up in a cache.
SEARCHES, SEARCH_SECONDS = 4, 1.0
LATE_ANSWER_SECONDS, UNDO_SECONDS = 2.0, 4.5


class SandboxCreation:
    """One creation of one machine; a label of its own tells its sandbox from any other."""

    def __init__(self, client: DaytonaClient, spec: MachineSpec, progress: Progress) -> None:
        self.client = client
        self.spec = spec
        self.progress = progress
        self.name = sandbox_name(spec.stage, spec.name)
        self.doing = f"creating machine {spec.name}"
        self.request_id = uuid.uuid4().hex
        self._abandoned = threading.Event()
        client.keep_secret(spec.env)

    def create(self) -> SandboxAnswer:
        """The new sandbox, which may still be starting; when this raises, none is left."""
        pending = BackgroundCall(self._create, at_once=False)
        try:
            return pending.answer()
        except Os2Error:
            raise
        except BaseException:
            self._abandoned.set()
            self.progress.notice(f"removing machine {self.spec.name}, which was not finished")
            begun = self.client.clock.now()
            made = pending.result_within(LATE_ANSWER_SECONDS)
            self._remove(made, UNDO_SECONDS - (self.client.clock.now() - begun))
            raise

    def _create(self) -> SandboxAnswer:
        body = sandbox_request(self.spec, self.client.access.target, self.request_id)
        for _ in range(ATTEMPTS):
            try:
                answer = self.client.create(
                    "/sandbox", body, doing=self.doing, needs=WRITE, policy=CREATING
                )
                return read(SandboxAnswer, answer, self.doing)
            except LostAnswer as error:
                lost = error
            except Conflict as error:
                if error.code != Conflict.default_code:
                    raise  # it is about the snapshot
                made = self._made(searches=1)
                if made is None:
                    raise self._taken(error) from error
                return made
            except OperationFailed as error:
                if "failed to start" in error.message:
                    self._remove(None, UNDO_SECONDS)
                raise
            try:
                made = self._made(searches=SEARCHES)
            except Os2Error:
                break
            if made is not None:
                return made
            if self._abandoned.is_set():
                break
        raise self._unknown(lost) from lost

    def _made(self, searches: int, policy: RetryPolicy = DEFAULT) -> SandboxAnswer | None:
        """The sandbox that this create made although its answer got lost."""
        for number in range(searches):
            if number:
                self.client.clock.sleep(SEARCH_SECONDS)
            for find in (self._by_name, self._by_label):
                sandbox = find(policy)
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
            hint=f"it may have been made all the same: os2 machine rm {self.spec.name} removes it",
        )

    def _taken(self, error: Conflict) -> Conflict:
        existing = self._by_name()
        if existing is not None and existing.labels.get(labels.MACHINE) != "1":
            return Conflict(
                f"a sandbox named {self.name} exists that os2 did not make",
                hint="choose another machine name",
                code="name_taken",
            )
        if existing is None and "state change" in error.message:
            return error
        name, stage = self.spec.name, self.spec.stage
        return Conflict(
            f"machine {name} exists already in stage {stage}",
            hint=f"use it: os2 machine show {name}, or remove it first: os2 machine rm {name}",
            code="machine_exists",
        )

    def _remove(self, made: SandboxAnswer | None, seconds: float) -> None:
        """Remove what this create made; found by name when its answer is not there."""
        name = self.spec.name
        try:
            made = made or self._made(searches=1, policy=FAST)
            if made is not None:
                Change(self.client, made.id, f"removing machine {name}", seconds).remove()
        except Os2Error as error:
            known = "is still" if made else "may still be"
            self.progress.warn(f"machine {name} {known} there: {error.message}")
            self.progress.warn(
                f"remove it with: os2 machine rm {name} --type daytona --stage {self.spec.stage}"
            )
