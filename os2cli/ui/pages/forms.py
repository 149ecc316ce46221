"""Reading the fields of a form as the command line reads its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from starlette.datastructures import FormData

from os2cli.core.errors import UsageError

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class Fields:
    """The fields under the names of the options; an empty one was not given."""

    form: FormData

    def text(self, name: str) -> str | None:
        """The text of a field."""
        value = self.form.get(name)
        return value.strip() or None if isinstance(value, str) else None

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.text(name) is not None

    def whole(self, name: str, least: float, most: float | None = None) -> int | None:
        """A whole number."""
        return self._number(name, int, "whole number", least, most)

    def number(self, name: str, least: float) -> float | None:
        """A number."""
        return self._number(name, float, "number", least, None)

    def pairs(self, name: str) -> list[str]:
        """Rows of a key and a value, as ``KEY=VALUE``; a row without both is none."""
        keys = [str(key).strip() for key in self.form.getlist(f"{name}_key")]
        values = [str(value) for value in self.form.getlist(f"{name}_value")]
        rows = list(zip(keys, values, strict=False))
        for key, value in rows:
            if not key and value:
                raise UsageError(
                    f"--{name} has a value without a name",
                    hint="name it, or take the row out",
                    code="option_invalid",
                )
        return [f"{key}={value}" for key, value in rows if key]

    def _number(
        self,
        name: str,
        kind: Callable[[str], _Number],
        what: str,
        least: float,
        most: float | None,
    ) -> _Number | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            number = kind(text)
        except ValueError:
            number = None
        # Also what is no number at all, such as nan.
        if number is None or not number >= least or (most is not None and number > most):
            until = f"{least:g} or more" if most is None else f"between {least:g} and {most:g}"
            raise UsageError(
                f"--{name.replace('_', '-')} {text!r} is no {what} that is {until}",
                hint="correct it, or leave it empty",
                code="option_invalid",
            )
        return number
