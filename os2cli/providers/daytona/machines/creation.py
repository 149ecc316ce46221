"""Creating a machine's sandbox: exactly once even if the answer is lost, or not at all."""

from __future__ import annotations

import threading
import uuid
from functools import partial

from os2cli.core.deadline import apart
from os2cli.core.errors import Conflict, OperationFailed, Os2Error, TimedOut
from os2cli.core.models import MachineSpec
from os2cli.core.progress import Progress
from os2cli.core.waiting import Wait, allowed_seconds
from os2cli.host.interrupts import BackgroundCall
from os2cli.providers import labels
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.errors import LostAnswer
from os2cli.providers.daytona.api.retry import CREATING, DEFAULT, FAST, RetryPolicy
from os2cli.providers.daytona.api.wire import SandboxAnswer, read
from os2cli.providers.daytona.machines.lifecycle import CHANGE_SECONDS, WRITE
from os2cli.providers.daytona.machines.listing import list_sandboxes
from os2cli.providers.daytona.machines.lookup import look_up
from os2cli.providers.daytona.machines.sandboxes import ENDING, sandbox_name, sandbox_request
from os2cli.providers.daytona.machines.undoing import Undoing

ATTEMPTS = 3
# A list is 1 to 3 s behind, and Daytona caches that a name was free.
SEARCHES, SEARCH_SECONDS = 4, 1.0
UNDO_SECONDS, UNDO_PAUSE_SECONDS = 4.5, 0.25
# How long a sandbox that is being removed may keep its name.
FREEING_SECONDS = 60.0


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
        # Set once it is certain that no sandbox will come of this.
        self._failed = threading.Event()
        seconds = allowed_seconds(CHANGE_SECONDS)
        goal, go_on = f"machine {spec.name} to be created", f"os2 machine create {spec.name}"
        self._wait = Wait(goal, seconds, self._late, go_on=go_on, clock=client.clock)
        client.keep_secret(spec.env)

    def create(self) -> SandboxAnswer:
        """Create the sandbox, which may still be starting; an error leaves none behind."""
        pending = BackgroundCall(self._create, at_once=False)
        try:
            sandbox = pending.answer()
        except Os2Error:
            raise
        except BaseException:
            self._abandoned.set()
            self.progress.notice(f"removing the unfinished machine {self.spec.name}")
            with apart(UNDO_SECONDS):
                self._undo(pending)
            raise
        if self.spec.expires is not None and sandbox.ends is None:
            self.progress.warn(
                f"--ttl: this Daytona does not end machine {self.spec.name} by itself; "
                "once expired, remove it with: "
                f"os2 machine prune --type daytona --stage {self.spec.stage}"
            )
        return sandbox

    def _create(self) -> SandboxAnswer:
        try:
            return self._create_or_find()
        except (LostAnswer, TimedOut):
            raise
        except Os2Error:
            self._failed.set()
            raise

    def _create_or_find(self) -> SandboxAnswer:
        freed_by = self.client.clock.now() + FREEING_SECONDS
        attempts_left = ATTEMPTS
        while True:
            try:
                return self._wait.request(self._post)
            except LostAnswer as error:
                attempts_left -= 1
                sandbox = self._recovered(error, last=attempts_left == 0)
            except Conflict as error:
                sandbox = self._met(error, freed_by)
            except OperationFailed as error:
                if "failed to start" in error.message:
                    self._remove_failed()
                raise
            if sandbox is not None:
                return sandbox

    def _post(self) -> SandboxAnswer:
        body = sandbox_request(self.spec, self.client.access.target, self.request_id)
        answer = self.client.create(
            "/sandbox", body, doing=self.doing, needs=WRITE, policy=CREATING
        )
        return read(SandboxAnswer, answer, self.doing)

    def _recovered(self, lost: LostAnswer, *, last: bool) -> SandboxAnswer | None:
        """Return the sandbox that came of a lost answer; None: none did, try again."""
        try:
            sandbox = self._find(searches=SEARCHES)
        except TimedOut:
            raise
        except Os2Error:
            raise self._unknown(lost) from lost
        if sandbox is not None:
            return sandbox
        if self._abandoned.is_set():
            self._failed.set()
        if last or self._abandoned.is_set() or self._wait.over:
            raise self._unknown(lost) from lost
        return None

    def _met(self, error: Conflict, freed_by: float) -> SandboxAnswer | None:
        """Return this creation's own sandbox; None: the name is being freed, try again."""
        if error.code != Conflict.default_code:
            raise error  # it is about the snapshot
        existing = self._look()
        if existing is not None and self._is_own(existing):
            return existing
        being_freed = existing is not None and existing.state in ENDING
        late = self._wait.over or self.client.clock.now() >= freed_by
        if not being_freed or self._abandoned.is_set() or late:
            raise self._taken(error, existing) from error
        self.progress.status(f"waiting until the former machine {self.spec.name} is gone")
        self.client.clock.sleep(SEARCH_SECONDS)
        return None

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
                if policy is not FAST and self._wait.over:
                    break
                self.client.clock.sleep(SEARCH_SECONDS)
            look = partial(self._look, policy)
            # A rollback does not outlast an outage.
            sandbox = look() if policy is FAST else self._wait.ask(look)
            if sandbox is not None and self._is_own(sandbox):
                return sandbox
        return None

    def _look(self, policy: RetryPolicy = DEFAULT) -> SandboxAnswer | None:
        """Return this creation's sandbox, else another one of its name."""
        sandbox = look_up(self.client, self.name, self.doing, policy)
        if sandbox is None or self._is_own(sandbox):
            return sandbox
        marks = {labels.REQUEST: self.request_id}
        return next(list_sandboxes(self.client, self.doing, marks, policy), sandbox)

    def _is_own(self, sandbox: SandboxAnswer) -> bool:
        return sandbox.labels.get(labels.REQUEST) == self.request_id

    @property
    def _removal(self) -> str:
        return f"os2 machine rm {self.spec.name} --type daytona --stage {self.spec.stage}"

    def _unknown(self, error: LostAnswer) -> LostAnswer:
        return LostAnswer(
            error.message,
            hint=f"it may have been created nevertheless; to remove it: {self._removal}",
        )

    def _taken(self, error: Conflict, existing: SandboxAnswer | None) -> Conflict:
        if existing is not None and existing.labels.get(labels.MACHINE) != "1":
            return Conflict(
                f"sandbox {self.name} already exists, but os2 did not create it",
                hint="choose another machine name",
                code="name_taken",
            )
        if existing is None and "state change" in error.message:
            return error
        name, stage = self.spec.name, self.spec.stage
        if existing is not None and existing.state in ENDING:
            return Conflict(
                f"machine {name} of stage {stage} is still being removed",
                hint="retry in a minute, or choose another name",
                code="machine_exists",
            )
        return Conflict(
            f"machine {name} already exists in stage {stage}",
            hint=f"choose another name, or remove it: os2 machine rm {name}",
            code="machine_exists",
        )

    def _undo(self, pending: BackgroundCall[SandboxAnswer]) -> None:
        """Remove what came of the interrupted request, which may still be under way."""
        deadline = self.client.clock.now() + UNDO_SECONDS
        while True:
            sandbox = pending.result_within(UNDO_PAUSE_SECONDS)
            if self._failed.is_set():
                return
            problem, costs = "Daytona has not answered yet", 0.0
            try:
                sandbox = sandbox or self._find(searches=1, policy=FAST)
            except Os2Error as error:
                problem, costs = error.message, FAST.answer_seconds
            left = deadline - self.client.clock.now()
            if sandbox is not None:
                self._remove(sandbox, max(left, 0.0))
                return
            if left <= costs:
                self._warn(f"may still exist: {problem}")
                return
            self.client.clock.sleep(UNDO_PAUSE_SECONDS)

    def _remove_failed(self) -> None:
        """Remove the sandbox whose start failed, as Daytona keeps it."""
        try:
            with apart(FAST.whole_seconds):
                sandbox = self._find(searches=1, policy=FAST)
        except Os2Error as error:
            self._warn(f"may still exist: {error.message}")
            return
        if sandbox is not None:
            self._remove(sandbox, UNDO_SECONDS)

    def _remove(self, sandbox: SandboxAnswer, seconds: float) -> None:
        try:
            # Its own steps have a limit each; the last may begin at the end of the time.
            with apart(seconds + FAST.whole_seconds):
                Undoing(self.client, sandbox, self.spec.name, seconds).run()
        except Os2Error as error:
            self._warn(f"still exists: {error.message}")

    def _warn(self, what: str) -> None:
        self.progress.warn(f"machine {self.spec.name} {what}")
        self.progress.warn(f"remove it: {self._removal}")
