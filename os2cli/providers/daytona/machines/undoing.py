"""Removing the sandbox of a create that failed or was interrupted, or marking it as left behind.

Daytona refuses to remove a sandbox while it is being created, which may take minutes: longer than
a command goes on after Ctrl-C. A marked one is found by ``machine prune``, and removes itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from os2cli.core.errors import Os2Error
from os2cli.providers import labels
from os2cli.providers.daytona.api.client import DaytonaClient
from os2cli.providers.daytona.api.retry import FAST
from os2cli.providers.daytona.api.wire import SandboxAnswer
from os2cli.providers.daytona.machines.lifecycle import WRITE, Change

# The shortest that Daytona knows; a sandbox is idle once it has started.
IDLE_MINUTES = 1


class Undoing:
    """The removal of one unfinished sandbox within ``seconds``."""

    def __init__(
        self, client: DaytonaClient, sandbox: SandboxAnswer, name: str, seconds: float
    ) -> None:
        self.client = client
        self.sandbox = sandbox
        self.doing = f"removing machine {name}"
        self.change = Change(client, sandbox.id, self.doing, seconds)
        self._marked = False
        self._not_marked = ""

    def run(self) -> None:
        """Remove the sandbox; an error's message says what becomes of it instead."""
        try:
            self.change.remove(self._mark)
        except Os2Error as error:
            self._mark()
            error.message = f"{error.message}; {self._outlook()}"
            raise

    def _outlook(self) -> str:
        if self.change.accepted:
            return "it is being removed"
        if self._marked:
            return "it removes itself a minute after its start, or with os2 machine prune"
        return f"nor could it be marked as unfinished: {self._not_marked}"

    def _mark(self) -> None:
        """Let it remove itself, and let ``machine prune`` find it; once is enough."""
        if self._marked or self.change.accepted:
            return
        marks = {**self.sandbox.labels, labels.UNFINISHED: "1"}
        try:
            self._set("PUT", "labels", {"labels": marks})
            self._set("POST", f"autostop/{IDLE_MINUTES}")
            self._set("POST", "autodelete/0")
        except Os2Error as error:
            self._not_marked = error.message
        else:
            self._marked = True

    def _set(self, method: str, what: str, body: Mapping[str, Any] | None = None) -> None:
        path = f"{self.change.path}/{what}"
        self.client.change(method, path, doing=self.doing, needs=WRITE, policy=FAST, body=body)
