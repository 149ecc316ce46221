"""What a command works with: settings, output and providers, made once for an invocation."""

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
from os2cli.core.stage import Stage, name_prefix, resolve_stage
from os2cli.host.repository import find_repository
from os2cli.output import Output
from os2cli.settings.invocation import Invocation
from os2cli.settings.settings import Settings, load_settings

if TYPE_CHECKING:
    from os2cli.analytics.tracking import Analytics
    from os2cli.snapshots.cache import SnapshotCache

# A local machine needs no stage of its own choosing: it is seen by its owner alone.
LOCAL_STAGE = Stage("dev", "default for local machines")


@dataclass(frozen=True)
class Session:
    """The surroundings of one command."""

    invocation: Invocation
    settings: Settings
    output: Output
    providers: Providers
    working_directory: Path

    @classmethod
    def start(cls, ctx: typer.Context, docker_host: str | None = None) -> Session:
        """Gather everything for the command that ``ctx`` belongs to."""
        return cls.open(ctx.ensure_object(Invocation), docker_host)

    @classmethod
    def open(cls, invocation: Invocation, docker_host: str | None = None) -> Session:
        """Gather everything for what no command line was parsed for."""
        here = current_directory()
        settings = load_settings(find_repository(here))
        return cls(
            invocation,
            settings,
            Output(invocation, settings.variables),
            Providers(settings, docker_host),
            here,
        )

    @cached_property
    def owner(self) -> str:
        """Who makes machines here, e.g. ``jonas@laptop``."""
        try:
            user = getpass.getuser()
        except (OSError, KeyError):
            # A user id without a name, as containers have them.
            user = "unknown"
        return f"{user}@{socket.gethostname()}"

    @cached_property
    def analytics(self) -> Analytics:
        """What tracks operations; without a key it does nothing."""
        # Without a key, nothing of analytics is imported.
        from os2cli.analytics.tracking import Analytics

        return Analytics.of(self.settings)

    def stage(self, explicit: str | None) -> Stage:
        """The stage for a local machine; a doubtful one is told on stderr."""
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
        """The stage for what others see, too; a doubtful one is told on stderr.

        Raises:
            UsageError: none is set; or two are, which contradict each other, and something would
                be changed.
        """
        stage = resolve_stage(self.settings.variables, explicit=explicit, publishing=changing)
        if stage.warning:
            self.output.note(f"warning: {stage.warning}")
        return stage

    def stage_if_set(self, explicit: str | None, *, changing: bool = False) -> str | None:
        """The name of the stage, None when none is set: a local machine is found without one."""
        try:
            return self.remote_stage(explicit, changing=changing).name
        except UsageError as error:
            if error.code != "stage_missing":
                raise
            return None

    @property
    def snapshot_cache(self) -> SnapshotCache:
        """The answers of past resolutions."""
        # sqlite3 takes 15 ms to import, and few commands need it.
        from os2cli.snapshots.cache import SnapshotCache

        return SnapshotCache(self.settings.snapshot_cache_dir, self.settings.cache_seconds)

    @property
    def repository(self) -> Path:
        """The checkout around the current folder, or that folder itself outside of any."""
        return find_repository(self.working_directory) or self.working_directory

    def forget_resolutions(self, stages: Iterable[str | None]) -> None:
        """Ask anew for the newest snapshot of these stages, in which something changed."""
        for stage in sorted({stage for stage in stages if stage is not None}):
            self.snapshot_cache.drop(self.settings.daytona.fingerprint, name_prefix(stage))


def current_directory() -> Path:
    """Where the command was started; raises ``UsageError`` when that folder is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "the current folder does not exist any more", hint="cd to one that does"
        ) from None
