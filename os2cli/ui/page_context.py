"""Where the page's requests work: a session each, with settings and engine as they are now."""

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
    """A stream whose lines somebody hears; it is nobody's terminal."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear

    def write(self, text: str) -> int:
        """Pass on each line."""
        for line in filter(None, text.splitlines()):
            self._hear(line)
        return len(text)


@dataclass
class PageContext:
    """What the command line said, and the connections that are kept from request to request.

    ``stage`` is the one that was given. ``remark`` is about this host, for the list of machines.
    """

    docker_host: str | None = None
    stage: str | None = None
    remark: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _providers: Providers | None = None

    def session(self, hear: Callable[[str], None] = lambda _: None) -> Session:
        """A new session, whose notes ``hear`` gets; nobody is asked anything."""
        invocation = Invocation(no_input=True, progress=ProgressMode.PLAIN)
        session = Session.open(invocation, self.docker_host)
        with self._lock:
            known = self._providers or session.providers
            self._providers = known.renewed(session.settings)
            providers = self._providers
        words = _LineStream(hear)
        output = Output(invocation, session.settings.variables, words, words)  # type: ignore[arg-type]
        return replace(session, providers=providers, output=output)

    def stage_of(self, session: Session) -> str | None:
        """The stage that is meant, None when none is set."""
        return session.stage_if_set(self.stage)
