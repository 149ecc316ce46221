"""One call of a tracked operation, and the properties of its event."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from os2cli import __version__
from os2cli.analytics.tracked_mutations import TrackedMutation
from os2cli.core.errors import Os2Error
from os2cli.core.models import MachineType
from os2cli.host.interrupts import Interrupted

MIXED = "mixed"
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_TYPE = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)


@dataclass(slots=True)
class Mutation:
    """One call; ``types`` are the machine types it has started to change."""

    types: set[MachineType] = field(default_factory=set)
    started: float = field(default_factory=time.monotonic)

    def touched(self, type_: MachineType) -> None:
        """Record that machines of this type, or their sources, are being changed."""
        self.types.add(type_)

    def properties(
        self,
        mutation: TrackedMutation,
        options: Mapping[str, Any],
        surface: str,
        error: BaseException | None,
    ) -> dict[str, Any] | None:
        """Return the properties of the event; None if nothing changed or nothing is sent."""
        extracted = mutation.properties(options)
        code = error_code(error) if error is not None else None
        success = code is None
        if extracted is None or (success and not (self.types or mutation.provider)):
            return None
        properties = {
            **extracted,
            "procedure": mutation.procedure,
            "success": success,
            "duration": round(time.monotonic() - self.started, 3),
            "surface": surface,
            "os2_version": __version__,
        }
        if (provider := self._provider(mutation, options)) is not None:
            properties["provider"] = provider
            if not mutation.procedure.startswith("snapshot."):
                properties["machine_type"] = provider
        if code is not None:
            properties["error_code"] = code
        return properties

    def _provider(self, mutation: TrackedMutation, options: Mapping[str, Any]) -> str | None:
        if mutation.provider is not None:
            return mutation.provider
        if self.types:
            return next(iter(self.types)) if len(self.types) == 1 else MIXED
        # The operation failed before it changed anything: the requested type.
        requested = options.get("type_")
        return requested if isinstance(requested, str) and _TYPE.fullmatch(requested) else None


def error_code(error: BaseException) -> str | None:
    """Return the code of a failure, never its message, which names things; None: a success."""
    if isinstance(error, Os2Error):
        return error.code if _CODE.fullmatch(error.code) else Os2Error.default_code
    if isinstance(error, Interrupted):
        return "interrupted"
    if isinstance(error, BrokenPipeError):
        return "output_unread"
    # A command that reported its failure itself ends with an exit code.
    status = getattr(error, "exit_code", None)
    if not isinstance(status, int):
        return "unexpected"
    return _code_of_status(status) if status else None


def _code_of_status(status: int) -> str:
    kinds = {kind.exit_code: kind.default_code for kind in Os2Error.__subclasses__()}
    return kinds.get(status, Os2Error.default_code)
