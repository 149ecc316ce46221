"""The state of analytics, and the changes that a user makes to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from os2cli.analytics import identity
from os2cli.analytics.consent import Consent, choose, consent
from os2cli.analytics.deliveries import load_attempts
from os2cli.analytics.parameters import Parameters
from os2cli.analytics.recording import spool_of
from os2cli.core.errors import OperationFailed

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Status:
    """The state; ``id`` is None until one was needed, times are in UTC."""

    consent: Consent
    host: str
    key_set: bool
    id: str | None
    id_of_daytona: bool
    environment: str
    groups: dict[str, str]
    email_set: bool
    waiting: int
    delivered: datetime | None
    failed: datetime | None
    why: str | None
    next_attempt: datetime | None


def look(parameters: Parameters) -> Status:
    """Return the current state without changing anything."""
    known = identity.known_identity(parameters.folder)
    attempts = load_attempts(parameters.folder, parameters.target)
    return Status(
        consent=consent(parameters, key=parameters.key),
        host=parameters.host,
        key_set=parameters.key is not None,
        id=known.distinct_id if known else None,
        id_of_daytona=known is not None and known.user is not None,
        environment=parameters.environment,
        groups=parameters.groups,
        email_set=parameters.email is not None,
        waiting=len(spool_of(parameters.folder).waiting()),
        delivered=_moment(attempts.delivered),
        failed=_moment(attempts.failed),
        why=attempts.why,
        next_attempt=None if attempts.is_due else _moment(attempts.next),
    )


def turn_on(parameters: Parameters) -> Consent:
    """Store a yes; return what is in effect then, which may still be off."""
    _stored(lambda: choose(parameters.folder, on=True), "OS2_TELEMETRY=1")
    return consent(parameters, key=parameters.key)


def turn_off(parameters: Parameters) -> Consent:
    """Store a no, and drop the waiting events."""
    _stored(lambda: choose(parameters.folder, on=False), "OS2_TELEMETRY=0")
    with suppress(OSError):
        spool_of(parameters.folder).clear()
    return consent(parameters, key=parameters.key)


def reset(parameters: Parameters) -> str | None:
    """Forget the identity; return the new id, or None if none is needed."""

    def forget() -> str | None:
        identity.forget(parameters.folder)
        if not consent(parameters, key=parameters.key or parameters.public_key).on:
            return None
        return identity.current_identity(parameters.folder).distinct_id

    return _stored(forget, "OS2_TELEMETRY=0")


def _stored(change: Callable[[], _Result], variable: str) -> _Result:
    try:
        return change()
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise OperationFailed(
            f"cannot write to the state directory{where}: {error.strerror or error}",
            hint=f"set XDG_STATE_HOME to a writable directory, or set {variable}",
            code="state_not_written",
        ) from error


def _moment(seconds: float | None) -> datetime | None:
    with suppress(OverflowError, ValueError, OSError):
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return None
