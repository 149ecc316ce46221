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

from os2cli.app.registry import BuilderKind, Providers
from os2cli.core.errors import UsageError
from os2cli.core.models import MachineType
from os2cli.core.stage import SEPARATOR, Stage, resolve_stage
from os2cli.host.repository import Source, find_repository, locate_source
from os2cli.output import Output
from os2cli.settings.invocation import Invocation
from os2cli.settings.settings import Settings, load_settings
from os2cli.snapshots.building import BuildRequest, BuildResult

if TYPE_CHECKING:
    from os2cli.analytics.tracking import Analytics
    from os2cli.machines.launch import Launcher
    from os2cli.snapshots.cache import SnapshotCache
    from os2cli.snapshots.publishing import Publisher

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
        from os2cli.snapshots.cache import SnapshotCache

        return SnapshotCache(self.settings.snapshot_cache_dir, self.settings.cache_seconds)

    def launcher(self, type_: MachineType, stage: Stage, *, use_cache: bool = True) -> Launcher:
        """What creates machines of a type from the stage's snapshots."""
        from os2cli.machines.launch import Launcher

        return Launcher(
            self.providers.machines(type_, stage.name),
            self.providers.snapshots(),
            self.snapshot_cache,
            self.settings.daytona.fingerprint,
            use_cache=use_cache,
        )

    def publisher(self, builder: BuilderKind, *, trust_host: bool) -> Publisher:
        """What publishes snapshots on Daytona."""
        from os2cli.snapshots.publishing import Publisher

        return Publisher(
            self.providers.snapshots(),
            self.providers.content_source(builder, trust_host=trust_host),
            self.settings.state_dir / "locks",
            preflight=self.providers.check_publishing,
        )

    @property
    def repository(self) -> Path:
        """The checkout around the current folder, or that folder itself outside of any."""
        return find_repository(self.working_directory) or self.working_directory

    def source(self, repo: Path | None = None, dockerfile: str | None = None) -> Source:
        """The repository and the Dockerfile that images are built from."""
        return locate_source(self.working_directory, repo, dockerfile or self.settings.dockerfile)

    def build_request(
        self,
        source: Source,
        *,
        tag: str | None = None,
        build_args: dict[str, str] | None = None,
        base_image: str | None = None,
        platform: str | None = None,
        no_cache: bool = False,
        allow_secrets: bool = False,
    ) -> BuildRequest:
        """What is built, with the settings where no flag was given."""
        return BuildRequest(
            root=source.root,
            dockerfile=source.dockerfile,
            tag=tag or self.settings.image,
            build_args=build_args or {},
            base_image=base_image or self.settings.base_image,
            platform=platform,
            no_cache=no_cache,
            allow_secrets=allow_secrets,
        )

    def note_bundled(self, source: Source, result: BuildResult) -> None:
        """Say of a new image that the repository had no part in it, if it had none."""
        if source.bundled and result.built:
            self.output.note(
                f"{result.image.reference} is the sandbox that os2 brings: "
                "this repository has no sandbox/Dockerfile"
            )

    def machine_names(self) -> list[str]:
        """The names of all machines, for completion; a provider that does not answer has none."""
        from os2cli.machines.fleet import fleet_names

        return fleet_names(self.providers.fleet(None))

    def snapshot_names(self) -> list[str]:
        """The names of all images and snapshots, for completion, like those of machines."""
        from os2cli.snapshots.inventory import inventory_names

        return inventory_names(self.providers.catalogs(None))

    def forget_resolutions(self, stages: Iterable[str | None]) -> None:
        """Ask anew for the newest snapshot of these stages, in which something changed."""
        for stage in sorted({stage for stage in stages if stage is not None}):
            self.snapshot_cache.drop(self.settings.daytona.fingerprint, f"{stage}{SEPARATOR}")


def current_directory() -> Path:
    """Where the command was started; raises ``UsageError`` when that folder is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "the current folder does not exist any more", hint="cd to one that does"
        ) from None
