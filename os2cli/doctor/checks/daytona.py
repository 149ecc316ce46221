"""Daytona: is the API there, may the key do what os2 does, and do the clocks agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from os2cli.core.errors import Os2Error
from os2cli.doctor.daytona_facts import DaytonaFacts
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs

PERMISSIONS = ("write:snapshots", "delete:snapshots", "write:sandboxes", "delete:sandboxes")
EXPIRES_SOON = timedelta(days=14)
# The object store refuses uploads that are signed with a clock more than a quarter of an hour off.
SKEW, TOO_MUCH_SKEW = timedelta(minutes=1), timedelta(minutes=10)
_NEW_KEY = "make one in Daytona's dashboard and set DAYTONA_API_KEY"
_NO_KEY = "no key is set; only staging and production need one"


def check_daytona(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Reach the API, and see that it is one: every other address answers with a web page."""
    del engine

    def reach(facts: DaytonaFacts) -> Finding:
        config = facts.config()
        what = f"Daytona API {config.version} at {facts.client.url}"
        why = f"address from {facts.access.url_origin}"
        if config.maintenance:
            remedy = Remedy("wait until it is over")
            return Finding("daytona", Status.PROBLEM, f"{what} is under maintenance", why, remedy)
        return Finding("daytona", Status.OK, what, why)

    return _asked("daytona", inputs, reach)


def check_daytona_key(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Ask the API who the key is, what it may do and until when."""
    del engine
    return _asked("daytona-key", inputs, _judge_key)


def _judge_key(facts: DaytonaFacts) -> Finding:
    name = "daytona-key"
    if facts.access.api_key is None:
        return Finding(name, Status.OK, "a person's token is used (DAYTONA_JWT_TOKEN)")
    key = facts.key()
    what = f"key {key.name!r} is valid"
    expires = key.expires
    if expires is not None:
        left = expires - datetime.now(UTC)
        if left <= timedelta(0):
            what = f"key {key.name!r} expired on {expires:%Y-%m-%d}"
            return Finding(name, Status.PROBLEM, what, None, Remedy(_NEW_KEY))
        if left <= EXPIRES_SOON:
            what = f"{what}, but expires on {expires:%Y-%m-%d}"
            return Finding(name, Status.WARNING, what, None, Remedy(_NEW_KEY))
        what = f"{what} until {expires:%Y-%m-%d}"
    has = [each for each in PERMISSIONS if each in key.permissions]
    lacks = [each for each in PERMISSIONS if each not in key.permissions]
    why = f"it may {', '.join(has)}" if has else "it may only read"
    if not lacks:
        return Finding(name, Status.OK, what, why)
    what = f"{what}, but lacks {', '.join(lacks)}"
    return Finding(name, Status.WARNING, what, why, Remedy(f"for those {_NEW_KEY}"))


def check_daytona_snapshots(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Count the snapshots: what a quota holds is told only when it is full."""
    del engine

    def count(facts: DaytonaFacts) -> Finding:
        if facts.access.api_key is not None:
            try:
                facts.key()
            except Os2Error:
                what = "not known while the key is not accepted"
                return Finding("daytona-snapshots", Status.SKIPPED, what)
        total = facts.snapshot_count()
        what = f"{total} snapshot{'' if total == 1 else 's'} in the organisation"
        why = "the API tells its quota only in a refusal: Maximum allowed: …"
        return Finding("daytona-snapshots", Status.OK, what, why)

    return _asked("daytona-snapshots", inputs, count)


def check_clock(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Compare this computer's clock with the API's."""
    del engine

    def compare(facts: DaytonaFacts) -> Finding:
        skew = facts.clock_skew()
        if skew is None:
            return Finding("clock", Status.SKIPPED, "the API does not say what time it is")
        seconds = round(skew.total_seconds())
        if abs(skew) < SKEW:
            return Finding("clock", Status.OK, "this computer's clock agrees with Daytona's")
        status = Status.PROBLEM if abs(skew) >= TOO_MUCH_SKEW else Status.WARNING
        what = f"this clock is {abs(seconds)} s {'ahead' if seconds > 0 else 'behind'}"
        why = "snapshots are named after the time, and uploads are signed with it"
        remedy = Remedy("set the clock", ("sudo timedatectl set-ntp true",))
        return Finding("clock", status, what, why, remedy)

    return _asked("clock", inputs, compare)


def _asked(name: str, inputs: DoctorInputs, ask: Callable[[DaytonaFacts], Finding]) -> Finding:
    facts = inputs.daytona
    if facts is None or not facts.access.configured:
        return Finding(name, Status.SKIPPED, _NO_KEY)
    try:
        return ask(facts)
    except Os2Error as error:
        remedy = Remedy(error.hint) if error.hint else None
        return Finding(name, Status.PROBLEM, error.message, remedy=remedy)
