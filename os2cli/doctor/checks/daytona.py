"""Daytona: the API answers, the API key has the permissions, and the clocks agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from os2cli.core.errors import NotAuthorised, Os2Error
from os2cli.doctor.daytona_facts import DaytonaFacts
from os2cli.doctor.engine_facts import SharedEngine
from os2cli.doctor.findings import Finding, Remedy, Status
from os2cli.doctor.inputs import DoctorInputs

PERMISSIONS = ("write:snapshots", "delete:snapshots", "write:sandboxes", "delete:sandboxes")
EXPIRES_SOON = timedelta(days=14)
# The object store rejects uploads signed with a clock more than 15 minutes off.
SKEW, TOO_MUCH_SKEW = timedelta(minutes=1), timedelta(minutes=10)
_NEW_KEY = "create an API key in Daytona's dashboard and set DAYTONA_API_KEY"
_NO_KEY = "no API key (only needed for Daytona)"


def check_daytona(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check that the API answers; other addresses answer with a web page."""
    del engine

    def reach(facts: DaytonaFacts) -> Finding:
        config = facts.config()
        what = f"Daytona API {config.version} at {facts.client.url}"
        why = f"address from {facts.access.url_origin}"
        if config.maintenance:
            remedy = Remedy("wait until the maintenance is over")
            return Finding("daytona", Status.PROBLEM, f"{what} is under maintenance", why, remedy)
        return Finding("daytona", Status.OK, what, why)

    return _check("daytona", inputs, reach)


def check_daytona_key(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Check the API key's name, permissions and expiry."""
    del engine
    return _check("daytona-key", inputs, _key_finding)


def _key_finding(facts: DaytonaFacts) -> Finding:
    name = "daytona-key"
    if facts.access.api_key is None:
        return Finding(name, Status.OK, "a user token is used (DAYTONA_JWT_TOKEN)")
    key = facts.key()
    what = f"API key {key.name!r} is valid"
    expires = key.expires
    if expires is not None:
        left = expires - datetime.now(UTC)
        if left <= timedelta(0):
            what = f"API key {key.name!r} expired on {expires:%Y-%m-%d}"
            return Finding(name, Status.PROBLEM, what, None, Remedy(_NEW_KEY))
        if left <= EXPIRES_SOON:
            what = f"{what}, but expires on {expires:%Y-%m-%d}"
            return Finding(name, Status.WARNING, what, None, Remedy(_NEW_KEY))
        what = f"{what} until {expires:%Y-%m-%d}"
    granted = [each for each in PERMISSIONS if each in key.permissions]
    missing = [each for each in PERMISSIONS if each not in key.permissions]
    why = f"permissions: {', '.join(granted) or 'read only'}"
    if not missing:
        return Finding(name, Status.OK, what, why)
    what = f"{what}, but lacks {', '.join(missing)}"
    return Finding(name, Status.WARNING, what, why, Remedy(_NEW_KEY))


def check_daytona_snapshots(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Count the snapshots: the API reports the quota only when it is exceeded."""
    del engine

    def count(facts: DaytonaFacts) -> Finding:
        if facts.access.api_key is not None:
            try:
                facts.key()
            except NotAuthorised:
                what = "Daytona rejects the API key"
                return Finding("daytona-snapshots", Status.SKIPPED, what)
        total = facts.snapshot_count()
        what = f"{total} snapshot{'' if total == 1 else 's'} in the organisation"
        why = "quota unknown (Daytona only reports it when exceeded)"
        return Finding("daytona-snapshots", Status.OK, what, why)

    return _check("daytona-snapshots", inputs, count)


def check_clock(inputs: DoctorInputs, engine: SharedEngine) -> Finding:
    """Compare this host's clock with the API's."""
    del engine

    def compare(facts: DaytonaFacts) -> Finding:
        skew = facts.clock_skew()
        if skew is None:
            return Finding("clock", Status.SKIPPED, "the API does not send the time")
        seconds = round(skew.total_seconds())
        if abs(skew) < SKEW:
            return Finding("clock", Status.OK, "this host's clock agrees with Daytona's")
        status = Status.PROBLEM if abs(skew) >= TOO_MUCH_SKEW else Status.WARNING
        what = f"this host's clock is {abs(seconds)} s {'ahead' if seconds > 0 else 'behind'}"
        why = "snapshots are named after the time, and uploads are signed with it"
        remedy = Remedy("set the clock", ("sudo timedatectl set-ntp true",))
        return Finding("clock", status, what, why, remedy)

    return _check("clock", inputs, compare)


def _check(name: str, inputs: DoctorInputs, ask: Callable[[DaytonaFacts], Finding]) -> Finding:
    facts = inputs.daytona
    if facts is None or not facts.access.configured:
        return Finding(name, Status.SKIPPED, _NO_KEY)
    try:
        return ask(facts)
    except Os2Error as error:
        remedy = Remedy(error.hint) if error.hint else None
        return Finding(name, Status.PROBLEM, error.message, remedy=remedy)
