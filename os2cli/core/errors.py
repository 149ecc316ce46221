"""Every failure that os2 reports, each with its code, its exit code and what to do next.

::

    Os2Error
    ├── OperationFailed      exit 1  a step ran and failed
    ├── UsageError           exit 2  an option, a setting or a file is wrong
    ├── NotFound             exit 3  the named thing does not exist
    ├── NotAuthorised        exit 4  the credentials are missing, wrong or too weak
    ├── Conflict             exit 5  a name or port is taken, or the state forbids it
    ├── TimedOut             exit 6  a deadline passed
    ├── PartlyDone           exit 7  some items succeeded, others failed
    └── Unreachable          exit 8  the provider does not answer

``os2cli.cli.main`` is the only place that turns one of these into an exit code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from os2cli.core.redaction import mask_userinfo

# What a shell reports for a program that wrote into a closed pipe.
BROKEN_PIPE_STATUS = 141
_OTHER_STATUSES = {
    0: "done, or nothing to do",
    129: "stopped by SIGHUP, such as a closed terminal",
    130: "stopped by Ctrl-C",
    BROKEN_PIPE_STATUS: "the reader of the output has gone",
    143: "stopped by SIGTERM",
}


class Os2Error(Exception):
    """A failure that is reported as one ``error:`` line and one ``hint:`` line.

    ``code`` is the stable, machine-readable name that ``--json`` shows; ``details`` holds plain
    values for scripts and never a secret; ``log_tail`` is the end of the operation's hidden log.
    ``transient``: the provider did not answer properly, and may do so later.
    """

    exit_code: ClassVar[int] = 1
    meaning: ClassVar[str] = "it failed; for doctor: there are problems"
    default_code: ClassVar[str] = "failed"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        log_tail: tuple[str, ...] = (),
        transient: bool = False,
    ) -> None:
        # Others' messages may quote an address with a login, such as a proxy's.
        message = mask_userinfo(message)
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.default_code
        self.details = dict(details or {})
        self.log_tail = tuple(map(mask_userinfo, log_tail))
        self.transient = transient


class OperationFailed(Os2Error):
    """A build, a start or another step ran and failed."""


class UsageError(Os2Error):
    """An option, a setting or a file that the user controls is wrong."""

    exit_code = 2
    meaning = "wrong usage or configuration"
    default_code = "usage"


class NotFound(Os2Error):
    """The named machine, image or snapshot does not exist."""

    exit_code = 3
    meaning = "not found"
    default_code = "not_found"


class NotAuthorised(Os2Error):
    """Credentials or permissions are missing."""

    exit_code = 4
    meaning = "not authorised"
    default_code = "not_authorised"


class Conflict(Os2Error):
    """A name or a port is taken, or the thing is in a state that forbids the operation."""

    exit_code = 5
    meaning = "conflict: a name or port is taken, or a state forbids it"
    default_code = "conflict"


class TimedOut(Os2Error):
    """A deadline passed; the message has the last known state."""

    exit_code = 6
    meaning = "timed out"
    default_code = "timed_out"


class PartlyDone(Os2Error):
    """Some of several items succeeded; ``details`` lists the others and their errors."""

    exit_code = 7
    meaning = "partly done"
    default_code = "partly_done"


class Unreachable(Os2Error):
    """The provider (a Docker engine, an API) does not answer."""

    exit_code = 8
    meaning = "the engine or Daytona does not answer"
    default_code = "unreachable"


def exit_codes() -> dict[int, str]:
    """Return every exit code and its meaning, in order."""
    kinds: list[type[Os2Error]] = [Os2Error, *Os2Error.__subclasses__()]
    failures = {kind.exit_code: kind.meaning for kind in reversed(kinds)}
    return dict(sorted({**_OTHER_STATUSES, **failures}.items()))
