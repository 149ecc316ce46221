"""Filter and sort machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from os2cli.core.errors import UsageError
from os2cli.core.models import Machine, MachineState

_LAST = datetime.max.replace(tzinfo=UTC)
_ORDERS: dict[str, Callable[[Machine], str | float]] = {
    "name": lambda machine: machine.name,
    "state": lambda machine: machine.state.value,
    "type": lambda machine: machine.type,
    "stage": lambda machine: machine.stage,
    "snapshot": lambda machine: machine.snapshot,
    "owner": lambda machine: machine.owner,
    "created": lambda machine: machine.created.timestamp(),
    "expires": lambda machine: (machine.expires or _LAST).timestamp(),
}
_TEXTS: dict[str, Callable[[Machine], str]] = {
    "name": lambda machine: machine.name,
    "snapshot": lambda machine: machine.snapshot,
    "owner": lambda machine: machine.owner,
    "health": lambda machine: machine.health.value,
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A pattern that a field of the machine, or one of its labels, must match."""

    key: str
    pattern: str
    label: str | None = None

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Parse ``name=dev-*`` or ``label=team=core``; a label without a value must exist."""
        key, equals, pattern = text.partition("=")
        if key == "label" and pattern:
            label, _, value = pattern.partition("=")
            return cls(key, value or "*", label)
        if not equals or key not in _TEXTS:
            raise UsageError(
                f"--filter: invalid filter {text!r}",
                hint=f"write it as KEY=PATTERN with {', '.join(_TEXTS)}, or label=KEY=PATTERN",
                code="option_invalid",
            )
        return cls(key, pattern)

    def takes(self, machine: Machine) -> bool:
        """Return whether the machine matches."""
        if self.label is not None:
            value = machine.labels.get(self.label)
            return value is not None and fnmatchcase(value, self.pattern)
        return fnmatchcase(_TEXTS[self.key](machine), self.pattern)


@dataclass(frozen=True, slots=True)
class Query:
    """Filters that must all match, allowed states (none: any), and the order."""

    states: Sequence[MachineState]
    filters: Sequence[Filter]
    order: str = "name"
    backwards: bool = False

    @classmethod
    def parse(
        cls, states: Sequence[MachineState], filters: Sequence[str], sort: str | None
    ) -> Query:
        """Parse the values of options; raises ``UsageError``."""
        word = (sort or "name").strip().lower()
        order = word.removeprefix("-")
        if order not in _ORDERS:
            raise UsageError(
                f"--sort: unknown column {sort!r}",
                hint=f"choose one of {', '.join(_ORDERS)}; prefix - reverses the order",
                code="option_invalid",
            )
        return cls(states, [Filter.parse(text) for text in filters], order, word != order)

    @property
    def by_health(self) -> bool:
        """Whether a filter needs to know the health of machines."""
        return any(one.key == "health" for one in self.filters)

    def may_take(self, machine: Machine) -> bool:
        """Return whether the machine matches, as far as that is known without its health."""
        return (not self.states or machine.state in self.states) and all(
            one.takes(machine) for one in self.filters if one.key != "health"
        )

    def apply(self, machines: Iterable[Machine]) -> list[Machine]:
        """Return the matching machines in order; ties by name."""
        matches = [
            machine
            for machine in machines
            if self.may_take(machine) and all(one.takes(machine) for one in self.filters)
        ]
        matches.sort(key=lambda machine: (machine.name, machine.type))
        return sorted(matches, key=_ORDERS[self.order], reverse=self.backwards)
