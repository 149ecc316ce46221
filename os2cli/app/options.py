"""The declaration of an option, for the command line, the web UI and analytics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import NoneType
from typing import Any, Literal, get_args

from os2cli.providers.entry import Material

EVERY_MATERIAL = frozenset(Material)


@dataclass(frozen=True, slots=True)
class Input:
    """An option's field in the form: a checkbox for a flag, else a text input.

    ``group`` is its part of the form; None: the template has its own markup for it. Within a
    group, fields are sorted by ``order``, then as declared.
    """

    label: str = ""
    placeholder: str = ""
    help: str = ""
    group: Literal["resources", "more"] | None = None
    font: Literal["num", "mono", ""] = "num"
    order: int = 9


@dataclass(frozen=True, slots=True)
class Tracked:
    """An event's property: ``reduce`` turns the option's value into a number or a flag."""

    name: str
    reduce: Callable[[Any], int | float]


@dataclass(frozen=True, slots=True)
class Option:
    """The declaration of an option, in the annotation of a dataclass's field.

    Its flag is ``--`` and the field's name; ``short`` is another. Machines made from other than
    ``materials`` reject the option, with a hint of their own in ``hints``. Without ``input`` it is
    not in the form, without ``tracked`` not in events.
    """

    help: str
    metavar: str | None = None
    panel: str | None = None
    positional: bool = False
    short: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    parser: Callable[[str], Any] | None = None
    completion: Callable[[str], Sequence[str]] | None = None
    materials: frozenset[Material] = EVERY_MATERIAL
    hints: Mapping[Material, str] = field(default_factory=dict)
    input: Input | None = None
    tracked: Tracked | None = None


@dataclass(frozen=True, slots=True)
class DeclaredOption:
    """An option and its field in the dataclass."""

    name: str
    annotation: Any
    spec: Option
    default: Any

    @property
    def word(self) -> str:
        """The name of its form field."""
        return self.name.rstrip("_")

    @property
    def flag(self) -> str:
        """The long flag, e.g. ``--mount-repo``."""
        return f"--{self.word.replace('_', '-')}"

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags, the short one first; an argument has none."""
        if self.spec.positional:
            return ()
        return (self.spec.short, self.flag) if self.spec.short else (self.flag,)

    @property
    def kind(self) -> Any:
        """The type of its value without None, e.g. ``float`` or ``list[str]``."""
        return next((t for t in get_args(self.annotation) if t is not NoneType), self.annotation)

    @property
    def restricted(self) -> bool:
        """Whether some machines reject it."""
        return self.spec.materials != EVERY_MATERIAL


def declared_options(declarations: type[Any]) -> tuple[DeclaredOption, ...]:
    """Return the options that a dataclass declares, in the order of its fields."""
    options = []
    for option in fields(declarations):
        annotation, spec = get_args(option.type)
        options.append(DeclaredOption(option.name, annotation, spec, option.default))
    return tuple(options)


def changed(options: Any) -> Iterator[tuple[DeclaredOption, Any]]:
    """Yield the options of an instance that differ from their defaults, with their values."""
    for option in declared_options(type(options)):
        value = getattr(options, option.name)
        if value != option.default:
            yield option, value


def event_properties(declarations: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that an event may have; ``values`` are by option name."""
    return {
        tracked.name: tracked.reduce(values.get(option.name, option.default))
        for option in declared_options(declarations)
        if (tracked := option.spec.tracked)
    }
