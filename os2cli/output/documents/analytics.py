"""The documents of the ``analytics`` commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from os2cli.analytics.consent import Consent
from os2cli.analytics.status import Status
from os2cli.output.documents.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDocument(Document):
    """``analytics on`` and ``off``: what is in effect; ``rule`` names what decided."""

    on: bool
    rule: str
    reason: str

    @classmethod
    def of(cls, consent: Consent) -> ConsentDocument:
        """Describe whether usage is sent."""
        return cls(on=consent.on, rule=consent.rule, reason=consent.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsDocument(ConsentDocument):
    """``analytics status``; ``id`` is null until one is needed."""

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
    failure: str | None
    next_attempt: datetime | None

    @classmethod
    def of_status(cls, status: Status) -> AnalyticsDocument:
        """Describe what is in effect."""
        return cls(
            on=status.consent.on,
            rule=status.consent.rule,
            reason=status.consent.reason,
            host=status.host,
            key_set=status.key_set,
            id=status.id,
            id_of_daytona=status.id_of_daytona,
            environment=status.environment,
            groups=status.groups,
            email_set=status.email_set,
            waiting=status.waiting,
            delivered=status.delivered,
            failed=status.failed,
            failure=status.why,
            next_attempt=status.next_attempt,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityDocument(Document):
    """``analytics reset``: the new id, null if none is needed."""

    id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentDocument(Document):
    """``analytics show``: the last events as they were sent, oldest first.

    ``kept`` counts those on this computer: ``--last`` shows up to 100 of them.
    """

    events: list[dict[str, Any]]
    kept: int
    waiting: int
