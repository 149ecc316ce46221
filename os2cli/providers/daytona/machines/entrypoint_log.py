"""The log of a sandbox's entrypoint: all of it, or what is added."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator

from os2cli.core.errors import Conflict, NotFound, Unreachable
from os2cli.core.models import LogRequest
from os2cli.providers.daytona.machines.session_log import MARKS, session_log
from os2cli.providers.daytona.machines.toolbox import Patience, Toolbox
from os2cli.providers.service_log import split_lines

PATH = "/process/session/entrypoint/logs"
RECONNECT_SECONDS = 1.0


class EntrypointLog:
    """The entrypoint's log of one sandbox."""

    def __init__(self, toolbox: Toolbox) -> None:
        self.toolbox = toolbox
        self.doing = f"reading the log of machine {toolbox.machine}"

    def lines(self, request: LogRequest) -> Iterator[str]:
        """Yield the lines so far, and with ``follow`` new ones until the machine stops."""
        if request.follow:
            yield from self._following(request.tail)
        else:
            lines = _lines(session_log(self.toolbox, PATH, self.doing))
            yield from lines if request.tail is None else lines[max(len(lines) - request.tail, 0) :]

    def tail(self, lines: int, seconds: float) -> tuple[str, ...]:
        """Return its last lines; asks once, with a timeout."""
        text = session_log(self.toolbox, PATH, self.doing, seconds=seconds, retry=False)
        return tuple(_lines(text)[-lines:])

    def _following(self, tail: int | None) -> Iterator[str]:
        before: deque[bytes] | None = None if tail is None else deque(maxlen=tail)
        rest = b""
        for data in self._added():
            *lines, rest = (rest + data).split(b"\n")
            if before is not None:
                before += lines
                if data:
                    continue
                lines, before = list(before), None
            for line in lines:
                text = MARKS.sub(b"", line).decode(errors="replace").rstrip("\r")
                yield self.toolbox.client.redact(text)

    def _added(self) -> Iterator[bytes]:
        """Yield the log and then what is added; nothing (``b""``) when it is silent."""
        # A WebSocket client takes 0.1 s to import, and only following needs it.
        from os2cli.providers.daytona.machines.log_stream import log_messages

        position, patience = _Position(), Patience(self.toolbox)
        while True:
            position.restart()
            try:
                for data in log_messages(self.toolbox, PATH, self.doing):
                    patience.restore()
                    yield position.news(data)
                self.toolbox.require_running()
                self.toolbox.client.clock.sleep(RECONNECT_SECONDS)
            except Unreachable as failure:
                try:
                    patience.after(failure)
                except (Conflict, NotFound):
                    return
            except (Conflict, NotFound):
                return


class _Position:
    """How far a log was read that each connection sends from its beginning."""

    def __init__(self) -> None:
        self._passed = 0
        self._digest = hashlib.sha256()
        self._repeated: bytes | None = None

    def restart(self) -> None:
        """Expect the beginning again."""
        self._repeated = b"" if self._passed else None

    def news(self, data: bytes) -> bytes:
        """Return what was not there before; ``b""`` says that the log is silent."""
        if self._repeated is not None:
            self._repeated += data
            if data and len(self._repeated) < self._passed:
                return b""
            data = self._continued(self._repeated)
            self._repeated = None
        self._passed += len(data)
        self._digest.update(data)
        return data

    def _continued(self, log: bytes) -> bytes:
        if hashlib.sha256(log[: self._passed]).digest() == self._digest.digest():
            return log[self._passed :]
        # It is the log of a new start.
        self._passed, self._digest = 0, hashlib.sha256()
        return log


def _lines(text: str) -> list[str]:
    # Not `splitlines`, which also splits at characters other than line feeds.
    return list(split_lines([text.encode()]))
