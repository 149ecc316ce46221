"""What is in effect and how the deliveries went, and the changes that a user makes to that."""

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

_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class Status:
    """``id`` is None as long as none was needed; times are in UTC."""

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
    """How it is now; nothing is changed."""
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
    """Keep that it was wanted; what is then in effect may be something else."""
    _kept(lambda: choose(parameters.folder, on=True), "OS2_TELEMETRY=1")
    return consent(parameters, key=parameters.key)


def turn_off(parameters: Parameters) -> Consent:
    """Keep that it is not wanted, and drop what waits."""
    _kept(lambda: choose(parameters.folder, on=False), "OS2_TELEMETRY=0")
    with suppress(OSError):
        spool_of(parameters.folder).clear()
    return consent(parameters, key=parameters.key)


def reset(parameters: Parameters) -> str | None:
    """Forget who it was; the new id, None: none is needed here."""

    def forget() -> str | None:
        identity.forget(parameters.folder)
        if not consent(parameters, key=parameters.key or parameters.public_key).on:
            return None
        return identity.current_identity(parameters.folder).distinct_id

    return _kept(forget, "OS2_TELEMETRY=0")


def _kept(change: Callable[[], _Kept], variable: str) -> _Kept:
    try:
        return change()
    except OSError as error:
        raise OperationFailed(
            f"this can't be kept in the state folder: {error.strerror or error}",
            hint=f"set XDG_STATE_HOME to a folder that can be written, or {variable}",
            code="state_not_written",
        ) from error


def _moment(seconds: float | None) -> datetime | None:
    with suppress(OverflowError, ValueError, OSError):
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return None
