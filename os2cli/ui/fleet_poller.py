"""The machines of all providers, fetched from each provider separately.

Pages poll every two seconds, in several tabs. Each provider gets one request at a time, and one
that hangs does not delay the others: its last answer stays until the next.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from os2cli.app.selection import in_scope
from os2cli.app.session import Session
from os2cli.core.errors import Os2Error
from os2cli.core.models import Machine, MachineType
from os2cli.machines.fleet import list_fleet
from os2cli.machines.health import Glance
from os2cli.providers.entry import entries
from os2cli.ui.page_context import PageContext

FRESH_SECONDS = 1.0
# Each refresh costs requests for every machine, and Daytona limits requests per minute.
SHARED_FRESH_SECONDS = 10.0


@dataclass
class Answer:
    """A provider's last answer; ``machines`` is None before the first."""

    machines: tuple[Machine, ...] | None = None
    failure: Os2Error | None = None
    requested: float = -1e9
    pending: threading.Event | None = None


@dataclass(frozen=True)
class FleetView:
    """The known machines at one moment; ``waiting`` are types without an answer yet."""

    machines: tuple[Machine, ...]
    failures: dict[MachineType, Os2Error]
    waiting: tuple[MachineType, ...]
    elsewhere: int
    stage: str | None
    moment: datetime


@dataclass
class FleetPoller:
    """Fetches machines from the providers on demand."""

    context: PageContext
    # The pages of one stage and of all stages look at different machines.
    _answers: dict[tuple[MachineType, bool], Answer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def view(self, timeout: float, *, all_stages: bool = False) -> FleetView:
        """Return what is known after at most ``timeout`` seconds."""
        session = self.context.session()
        types = [entry.type for entry in session.providers.asked(None)]
        deadline = time.monotonic() + timeout
        for pending in [self._ask(session, type_, all_stages) for type_ in types]:
            if pending is not None:
                pending.wait(max(0.0, deadline - time.monotonic()))
        return self._view(session, types, all_stages=all_stages)

    def invalidate(self) -> None:
        """Mark all answers as outdated."""
        with self._lock:
            for answer in self._answers.values():
                answer.requested = -1e9

    def _ask(
        self, session: Session, type_: MachineType, all_stages: bool
    ) -> threading.Event | None:
        with self._lock:
            answer = self._answers.setdefault((type_, all_stages), Answer())
            if answer.pending is not None:
                return answer.pending
            fresh = SHARED_FRESH_SECONDS if entries()[type_].shared else FRESH_SECONDS
            if time.monotonic() - answer.requested < fresh:
                return None
            pending = answer.pending = threading.Event()
            answer.requested = time.monotonic()
        make = session.providers.fleet(type_)
        glance = Glance(shown=self._scope(session, all_stages=all_stages))
        threading.Thread(
            target=self._collect,
            args=(answer, pending, lambda: list_fleet(make, glance=glance).machines),
            name=f"fleet-{type_}",
            daemon=True,
        ).start()
        return pending

    def _collect(
        self, answer: Answer, pending: threading.Event, ask: Callable[[], tuple[Machine, ...]]
    ) -> None:
        machines, failure = answer.machines, None
        try:
            machines = ask()
        except Os2Error as error:
            machines, failure = None, error
        finally:
            with self._lock:
                answer.machines, answer.failure, answer.pending = machines, failure, None
            pending.set()

    def _scope(self, session: Session, *, all_stages: bool) -> Callable[[Machine], bool]:
        """Return what tells whether a machine is shown."""
        within = None if all_stages else self.context.stage_of(session)
        explicit = None if all_stages else self.context.stage
        return lambda machine: in_scope(machine, within, explicit)

    def _view(
        self, session: Session, types: Sequence[MachineType], *, all_stages: bool
    ) -> FleetView:
        stage = self.context.stage_of(session)
        with self._lock:
            answers = {type_: self._answers[type_, all_stages] for type_ in types}
            failures = {t: a.failure for t, a in answers.items() if a.failure is not None}
            waiting = tuple(
                t for t, a in answers.items() if a.machines is None and a.failure is None
            )
            machines = [machine for a in answers.values() for machine in a.machines or ()]
        visible = list(filter(self._scope(session, all_stages=all_stages), machines))
        visible.sort(key=lambda machine: (machine.name, machine.type, machine.stage))
        return FleetView(
            tuple(visible),
            failures,
            waiting,
            len(machines) - len(visible),
            stage,
            datetime.now(UTC),
        )
