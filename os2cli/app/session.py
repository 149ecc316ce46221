"""The session of one command: settings, output and providers."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from os2cli.app.registry import Providers
from os2cli.core.errors import UsageError
from os2cli.core.notices import NOTICES
from os2cli.core.stage import Stage, name_prefix, resolve_stage
from os2cli.core.waiting import listen
from os2cli.host.repository import find_repository
from os2cli.output import Output
from os2cli.settings.invocation import Invocation
from os2cli.settings.settings import Settings, load_settings

if TYPE_CHECKING:
    from os2cli.analytics.tracking import Analytics
    from os2cli.snapshots.cache import SnapshotCache

# Local machines need no stage: only their owner sees them.
LOCAL_STAGE = Stage("dev", "default for local machines")


@dataclass(frozen=True)
class Session:
    """The context of one command."""

    invocation: Invocation
    settings: Settings
    output: Output
    providers: Providers
    working_directory: Path

    @classmethod
    def start(cls, ctx: typer.Context, docker_host: str | None = None) -> Session:
        """Start the session of the command that ``ctx`` belongs to."""
        session = cls.open(ctx.ensure_object(Invocation), docker_host)
        listen(session.output.waiting)
        return session

    @classmethod
    def open(cls, invocation: Invocation, docker_host: str | None = None) -> Session:
        """Open a session for an invocation without a parsed command line."""
        here = current_directory()
        settings = load_settings(find_repository(here))
        output = Output(invocation, settings.variables)
        NOTICES.listen(output.warn)
        if settings.warning is not None:
            NOTICES.warn(
                settings.warning,
                "set HOME, or the variables XDG_…_HOME, to directories of your own",
            )
        return cls(
            invocation,
            settings,
            output,
            Providers(settings, docker_host),
            here,
        )

    @cached_property
    def owner(self) -> str:
        """The owner of machines created here, e.g. ``jonas@laptop``."""
        try:
            user = getpass.getuser()
        except (OSError, KeyError):
            # A user id without a name, as in containers.
            user = "unknown"
        # A label, and so text, while a variable may hold any bytes.
        return f"{user}@{socket.gethostname()}".encode(errors="replace").decode()

    @cached_property
    def analytics(self) -> Analytics:
        """The tracker of operations; without a key it does nothing."""
        # Without a key, analytics is not imported at all.
        from os2cli.app.tracking import Analytics

        return Analytics.of(self.settings)

    def stage(self, explicit: str | None) -> Stage:
        """Return the stage for a local machine; print the stage's warning, if any."""
        try:
            stage = resolve_stage(self.settings.variables, explicit=explicit)
        except UsageError as error:
            if error.code != "stage_missing":
                raise
            return LOCAL_STAGE
        if stage.warning:
            self.output.note(f"warning: {stage.warning}")
        return stage

    def remote_stage(self, explicit: str | None, *, changing: bool = True) -> Stage:
        """Return the stage for shared things; print the stage's warning, if any.

        Raises:
            UsageError: no stage is set, or ``changing`` and two settings contradict each other.
        """
        stage = resolve_stage(self.settings.variables, explicit=explicit, publishing=changing)
        if stage.warning:
            self.output.note(f"warning: {stage.warning}")
        return stage

    def stage_if_set(self, explicit: str | None, *, changing: bool = False) -> str | None:
        """Return the stage's name, or None when none is set: local machines need none."""
        try:
            return self.remote_stage(explicit, changing=changing).name
        except UsageError as error:
            if error.code != "stage_missing":
                raise
            return None

    @property
    def snapshot_cache(self) -> SnapshotCache:
        """The cache of resolutions."""
        # sqlite3 takes 15 ms to import, and few commands need it.
        from os2cli.snapshots.cache import SnapshotCache

        return SnapshotCache(self.settings.snapshot_cache_dir, self.settings.cache_seconds)

    @property
    def repository(self) -> Path:
        """The checkout around the current directory, else that directory itself."""
        return find_repository(self.working_directory) or self.working_directory

    def forget_resolutions(self, stages: Iterable[str | None]) -> None:
        """Drop the cached resolutions of these stages, after a change in them."""
        for stage in sorted({stage for stage in stages if stage is not None}):
            self.snapshot_cache.drop(self.settings.daytona.fingerprint, name_prefix(stage))


def current_directory() -> Path:
    """Return the current directory; raise ``UsageError`` when it no longer exists."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "the current directory no longer exists", hint="cd to one that does"
        ) from None
