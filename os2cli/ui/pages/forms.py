"""Form fields, read as the command line reads options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from starlette.datastructures import FormData

from os2cli.core.errors import UsageError
from os2cli.core.parsing import MAX_NUMBER, parse_number

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class Fields:
    """The fields of a form, named like the options; an empty field counts as missing."""

    form: FormData

    def text(self, name: str) -> str | None:
        """Return the text of a field."""
        value = self.form.get(name)
        return value.strip() or None if isinstance(value, str) else None

    def flag(self, name: str) -> bool:
        """Return whether a checkbox is ticked."""
        return self.text(name) is not None

    def whole(self, name: str, least: float, most: float | None = None) -> int | None:
        """Return a whole number between the bounds."""
        return self._number(name, int, "whole number", least, most)

    def number(self, name: str, least: float) -> float | None:
        """Return a number of at least ``least``."""
        return self._number(name, float, "number", least, None)

    def pairs(self, name: str) -> list[str]:
        """Return rows of a key and a value as ``KEY=VALUE``; empty rows are skipped."""
        keys = [str(key).strip() for key in self.form.getlist(f"{name}_key")]
        values = [str(value) for value in self.form.getlist(f"{name}_value")]
        rows = list(zip(keys, values, strict=False))
        for key, value in rows:
            if not key and value:
                raise UsageError(
                    f"--{name}: a value has no name",
                    hint="enter a name, or remove the row",
                    code="option_invalid",
                )
        return [f"{key}={value}" for key, value in rows if key]

    def _number(
        self,
        name: str,
        kind: type[_Number],
        what: str,
        least: float,
        most: float | None,
    ) -> _Number | None:
        text = self.text(name)
        if text is None:
            return None
        number = parse_number(text, kind)
        limit = MAX_NUMBER if most is None else most
        if number is None or not least <= number <= limit:
            bounds = f"of at least {least:g}" if most is None else f"from {least:g} to {most:g}"
            if number is not None and number > limit:
                bounds = f"of at most {limit:g}"
            raise UsageError(
                f"--{name.replace('_', '-')}: invalid value {text!r}: must be a {what} {bounds}",
                hint="change it, or leave it empty",
                code="option_invalid",
            )
        return number
