"""The context of requests: each gets a session with the current settings and engine."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from os2cli.app.registry import Providers
from os2cli.app.session import Session
from os2cli.output import Output
from os2cli.settings.invocation import Invocation, ProgressMode


class _LineStream(io.TextIOBase):
    """A stream that passes its lines to a function; it is not a terminal."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line

    def write(self, text: str) -> int:
        """Pass on each line."""
        for line in filter(None, text.splitlines()):
            self._on_line(line)
        return len(text)


@dataclass
class PageContext:
    """The options of ``os2 ui``, and the connections that requests share.

    ``remark`` is a notice about this host, for the list of machines.
    """

    docker_host: str | None = None
    stage: str | None = None
    remark: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _providers: Providers | None = None

    def session(self, on_line: Callable[[str], None] = lambda _: None) -> Session:
        """Open a session that passes notes to ``on_line`` and never prompts."""
        invocation = Invocation(no_input=True, progress=ProgressMode.PLAIN)
        session = Session.open(invocation, self.docker_host)
        with self._lock:
            providers = self._providers or session.providers
            self._providers = providers.renewed(session.settings)
            providers = self._providers
        stream = _LineStream(on_line)
        output = Output(invocation, session.settings.variables, stream, stream)  # type: ignore[arg-type]
        return replace(session, providers=providers, output=output)

    def stage_of(self, session: Session) -> str | None:
        """Return the stage to work in; None if none is set."""
        return session.stage_if_set(self.stage)
