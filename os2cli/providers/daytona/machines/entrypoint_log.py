"""The log of a sandbox's entrypoint: all of it, or what is added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from os2cli.core.deadline import within
from os2cli.core.errors import Conflict, NotFound, Unreachable
from os2cli.core.models import LogRequest
from os2cli.providers.daytona.machines.session_log import MARKS, session_lines
from os2cli.providers.daytona.machines.toolbox import Patience, Toolbox
from os2cli.providers.log_lines import LineSplitter, Tail, last_lines

PATH = "/process/session/entrypoint/logs"
RECONNECT_SECONDS = 1.0
# Logs of two starts differ before that.
HEAD_BYTES = 64 * 1024


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
            yield from last_lines(session_lines(self.toolbox, PATH, self.doing), request.tail)

    def tail(self, lines: int, seconds: float) -> tuple[str, ...]:
        """Return its last lines; asks once, with a timeout."""
        with within(seconds):
            found = session_lines(self.toolbox, PATH, self.doing, seconds=seconds, retry=False)
            return tuple(last_lines(found, lines))

    def _following(self, tail: int | None) -> Iterator[str]:
        before = None if tail is None else Tail(tail)
        splitter = LineSplitter()
        for data in self._added():
            lines: Iterable[str] = splitter.add(data)
            if before is not None:
                for line in lines:
                    before.add(line)
                if data:
                    continue
                lines, before = before.lines(), None
            for line in lines:
                yield self.toolbox.client.redact(MARKS.sub("", line))

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
    """How far a log was read that each connection sends from its beginning.

    How it begins tells whether it is the same log.
    """

    def __init__(self) -> None:
        self._passed = 0
        self._head = b""
        self._repeated: bytearray | None = None
        self._skipped = 0

    def restart(self) -> None:
        """Expect the beginning again."""
        self._repeated = bytearray() if self._passed else None
        self._skipped = 0

    def news(self, data: bytes) -> bytes:
        """Return what was not there before; ``b""`` says that the log is silent."""
        is_silent = not data
        if self._repeated is not None:
            self._repeated += data
            if data and len(self._repeated) < len(self._head):
                return b""
            data, self._repeated = bytes(self._repeated), None
            if data.startswith(self._head):
                self._skipped = self._passed
            else:
                # It is the log of a new start.
                self._passed, self._head = 0, b""
        skipped = min(self._skipped, len(data))
        self._skipped = 0 if is_silent else self._skipped - skipped
        return self._pass(data[skipped:])

    def _pass(self, data: bytes) -> bytes:
        self._passed += len(data)
        self._head += data[: HEAD_BYTES - len(self._head)]
        return data
