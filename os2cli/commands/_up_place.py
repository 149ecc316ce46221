"""Where ``os2 up`` brings its machine up: on an engine, else on this host itself."""

from __future__ import annotations

from dataclasses import dataclass

from os2cli.app.machine_creation import reject_unsupported
from os2cli.app.machine_options import MachineOptions
from os2cli.app.session import Session
from os2cli.core.errors import NotFound, Os2Error, Unreachable, UsageError
from os2cli.core.limits import Isolation
from os2cli.core.models import LOCAL_DOCKER
from os2cli.output.progress import RecordingProgress
from os2cli.providers.entry import Material, ProviderEntry, entries


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The options of the command line."""

    name: str
    fix: bool
    yes: bool
    build: bool
    seconds: float
    stage: str | None
    with_git: bool
    allow_secrets: bool
    docker_host: str | None
    isolation: Isolation | None

    @property
    def agreed(self) -> str:
        """The command that does not ask before fixing."""
        return f"os2 up {self.name} --fix --yes"


def found_on_host(session: Session, name: str) -> ProviderEntry | None:
    """Return the provider that already has the machine without an engine, if one does."""
    for entry in entries().values():
        if entry.material is Material.THIS_HOST and entry.set_up(session.providers.context):
            try:
                session.providers.machines(entry.type).get(name)
            except NotFound:
                continue
            return entry
    return None


def reject_unusable(wish: UpOptions, entry: ProviderEntry) -> None:
    """Raise ``UsageError`` for a type that ``up`` does not create, or an option it ignores."""
    if entry.shared:
        raise UsageError(
            f"machines on {entry.type} are created from snapshots",
            hint=f"use machine create: os2 machine create {wish.name} --type {entry.type}",
            code="option_invalid",
        )
    reject_unsupported(
        MachineOptions(
            type_=entry.type,
            build=wish.build,
            with_git=wish.with_git,
            allow_secrets=wish.allow_secrets,
            docker_host=wish.docker_host,
            isolation=wish.isolation,
        )
    )


def engine_or_host(session: Session, wish: UpOptions, progress: RecordingProgress) -> ProviderEntry:
    """Return the engine's provider; with --fix the host's own if no engine is available."""
    engine = entries()[LOCAL_DOCKER]
    instead = next((e for e in entries().values() if e.material is Material.THIS_HOST), None)
    failure = fix_engine(session, wish, progress) if wish.fix else None
    try:
        session.providers.machines(engine.type).get(wish.name)
    except NotFound:
        return engine
    except Unreachable as error:
        # An engine that the user named is theirs to start.
        if not str(error.details.get("origin")).startswith("the default"):
            raise
        # A host itself isolates nothing.
        if not wish.fix or instead is None or wish.isolation is not None:
            error.hint = _choices(wish.name, instead)
            raise
        progress.warn(f"no Docker engine is available: {(failure or error).message}")
        progress.warn(
            f"creating machine {wish.name} on {instead.type} INSTEAD, without isolation; "
            f"to undo: os2 machine rm {wish.name}"
        )
        return instead
    return engine


def _choices(name: str, instead: ProviderEntry | None) -> str:
    install = f"install or start one (on Linux as root): os2 up {name} --fix"
    if instead is None:
        return install
    return f"{install}; or use this host, without isolation: os2 up {name} --type {instead.type}"


def fix_engine(session: Session, wish: UpOptions, progress: RecordingProgress) -> Os2Error | None:
    """Install or start an engine when none answers; return why that failed, if it did.

    Raises:
        UsageError: the user declined, or could not be asked.
    """
    from os2cli.app.fixes import examine, planned_fixes, run_fixes

    engine = [finding for finding in examine(session) if finding.check == "engine"]
    fixes = planned_fixes(session, engine)
    try:
        if fixes and not run_fixes(session, fixes, progress, yes=wish.yes, command=wish.agreed):
            raise UsageError(
                "no engine answers, and none was installed or started",
                hint=_choices(wish.name, None),
                code="fix_declined",
            )
    except UsageError:
        raise
    except Os2Error as error:
        return error
    return None
