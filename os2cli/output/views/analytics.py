"""What the ``analytics`` commands show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from os2cli.analytics.consent import Consent
from os2cli.analytics.status import Status
from os2cli.output import Output
from os2cli.output.documents.analytics import (
    AnalyticsDocument,
    ConsentDocument,
    IdentityDocument,
    SentDocument,
)
from os2cli.output.humanize import age


def show_status(output: Output, status: Status) -> None:
    """Show what is in effect."""

    def write_text() -> None:
        for label, text in _lines(status):
            output.line(f"{label:<13}{text}")

    output.result(AnalyticsDocument.of_status(status), write_text, names=[_word(status.consent)])


def _lines(status: Status) -> Sequence[tuple[str, str]]:
    groups = ", ".join(f"{type_} {key}" for type_, key in status.groups.items())
    whose = " (Daytona's)" if status.id_of_daytona else " (random)"
    failed = f"{age(status.failed)}: {status.why}" if status.failed else "never"
    return (
        ("analytics", f"{_word(status.consent)}: {status.consent.reason}"),
        ("host", status.host),
        ("API key", "set, not shown" if status.key_set else "not set"),
        ("id", f"{status.id}{whose}" if status.id else "none yet"),
        ("environment", status.environment),
        ("groups", groups or "none"),
        ("address", "set" if status.email_set else "not set"),
        ("waiting", f"{status.waiting} event{'' if status.waiting == 1 else 's'}"),
        ("delivered", age(status.delivered) if status.delivered else "never"),
        ("failed", failed),
        ("next", f"{status.next_attempt:%H:%M:%S} UTC" if status.next_attempt else "now"),
    )


def show_consent(output: Output, consent: Consent, *, wanted: bool) -> None:
    """Show what is in effect after it was turned on or off."""

    def write_text() -> None:
        output.line(f"analytics are {_word(consent)}: {consent.reason}")
        if consent.on != wanted:
            output.note(f"your choice is saved, but {consent.reason}, which takes precedence")

    output.result(ConsentDocument.of(consent), write_text, names=[_word(consent)])


def show_identity(output: Output, id_: str | None) -> None:
    """Show the id after a reset."""

    def write_text() -> None:
        output.line(f"new id: {id_}" if id_ else "id removed; a new one is generated when needed")

    output.result(IdentityDocument(id=id_), write_text, names=[id_] if id_ else [])


def show_sent(output: Output, kept: Sequence[dict[str, Any]], last: int, waiting: int) -> None:
    """Show the ``last`` events of those that are kept, as they were sent."""
    events = kept[-last:]

    def write_text() -> None:
        for event in events:
            output.text(json.dumps(event, indent=2))
        if not events:
            output.note("no events sent yet")

    output.result(
        SentDocument(events=list(events), kept=len(kept), waiting=waiting),
        write_text,
        names=[str(event.get("event")) for event in events],
    )
    if waiting:
        output.note(f"{waiting} event{'' if waiting == 1 else 's'} more waiting to be sent")


def _word(consent: Consent) -> str:
    return "on" if consent.on else "off"
