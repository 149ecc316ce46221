"""A command of a toolbox session, with what it has written so far."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.daytona_server.executions import Execution


@dataclass(slots=True, eq=False)
class SessionCommand:
    """Without an exit code it is still running.

    The platform's logs are made of lines: one shows when it is complete, at the latest at the
    end, and then it has a line break that the command may not have written.
    """

    id: str
    command: str
    echoes: bool = True
    exit_code: int | None = None
    execution: Execution | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _lines: list[tuple[bool, bytes]] = field(default_factory=list)
    _partial: dict[bool, bytes] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return its JSON."""
        code = {} if self.exit_code is None else {"exitCode": self.exit_code}
        return {"id": self.id, "command": self.command, **code}

    def wrote(self, error: bool, data: bytes) -> None:
        """Take what came, to stderr or to stdout."""
        *lines, rest = (self._partial.get(error, b"") + data).split(b"\n")
        self._lines += [(error, line + b"\n") for line in lines]
        self._partial[error] = rest

    def ended(self, code: int) -> None:
        """Take what is left, and how it ended."""
        for error in (False, True):
            if self._partial.get(error):
                self.wrote(error, b"\n")
        self.exit_code = code
        self.done.set()

    def logs(self) -> dict[str, str]:
        """Return the JSON of its log so far."""
        return {
            "output": _text([line for _, line in self._lines]),
            "stdout": _text([line for error, line in self._lines if not error]),
            "stderr": _text([line for error, line in self._lines if error]),
        }


def _text(lines: list[bytes]) -> str:
    # The shell that reads the lines can't hold a NUL.
    return b"".join(lines).replace(b"\0", b"").decode(errors="replace")
