"""The machines of all providers for whoever looks: each provider is asked alone.

A page looks every two seconds, in several tabs. A provider is asked once at a time, and one that
hangs keeps nobody from what the others know: its last answer stays until the next.
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
from os2cli.providers.entry import entries
from os2cli.ui.page_context import PageContext

FRESH_SECONDS = 1.0
# Each look costs requests for every machine, of which Daytona allows so many a minute.
SHARED_FRESH_SECONDS = 10.0


@dataclass
class Answer:
    """What a provider said last; ``machines`` None: nothing yet."""

    machines: tuple[Machine, ...] | None = None
    failure: Os2Error | None = None
    asked: float = -1e9
    pending: threading.Event | None = None


@dataclass(frozen=True)
class FleetView:
    """What is known at a moment: ``waiting`` are those who have not answered yet."""

    machines: tuple[Machine, ...]
    failures: dict[MachineType, Os2Error]
    waiting: tuple[MachineType, ...]
    elsewhere: int
    stage: str | None
    moment: datetime


@dataclass
class FleetPoller:
    """Asks the providers when somebody looks."""

    context: PageContext
    _answers: dict[MachineType, Answer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def view(self, timeout: float, *, all_stages: bool = False) -> FleetView:
        """What is known within ``timeout`` seconds."""
        session = self.context.session()
        types = [entry.type for entry in session.providers.asked(None)]
        deadline = time.monotonic() + timeout
        for pending in [self._ask(session, type_) for type_ in types]:
            if pending is not None:
                pending.wait(max(0.0, deadline - time.monotonic()))
        return self._assembled(session, types, all_stages=all_stages)

    def invalidate(self) -> None:
        """Something was done: what is known is old."""
        with self._lock:
            for answer in self._answers.values():
                answer.asked = -1e9

    def _ask(self, session: Session, type_: MachineType) -> threading.Event | None:
        with self._lock:
            answer = self._answers.setdefault(type_, Answer())
            if answer.pending is not None:
                return answer.pending
            fresh = SHARED_FRESH_SECONDS if entries()[type_].shared else FRESH_SECONDS
            if time.monotonic() - answer.asked < fresh:
                return None
            pending = answer.pending = threading.Event()
            answer.asked = time.monotonic()
        make = session.providers.fleet(type_)
        threading.Thread(
            target=self._collect,
            args=(answer, pending, lambda: list_fleet(make).machines),
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

    def _assembled(
        self, session: Session, types: Sequence[MachineType], *, all_stages: bool
    ) -> FleetView:
        stage = self.context.stage_of(session)
        with self._lock:
            known = {type_: self._answers[type_] for type_ in types}
            failures = {t: a.failure for t, a in known.items() if a.failure is not None}
            waiting = tuple(t for t, a in known.items() if a.machines is None and a.failure is None)
            machines = [machine for a in known.values() for machine in a.machines or ()]
        within = None if all_stages else stage
        visible = [
            m for m in machines if in_scope(m, within, None if all_stages else self.context.stage)
        ]
        visible.sort(key=lambda machine: (machine.name, machine.type, machine.stage))
        return FleetView(
            tuple(visible),
            failures,
            waiting,
            len(machines) - len(visible),
            stage,
            datetime.now(UTC),
        )
