"""From the options of ``machine create`` to a machine, on each provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from os2cli.app.builds import build_request, locate_source, note_bundled
from os2cli.app.launching import snapshot_launcher
from os2cli.app.session import LOCAL_STAGE, Session
from os2cli.core.errors import UsageError
from os2cli.core.models import Lifetime, Machine, MachineSpec, Resources
from os2cli.core.parsing import parse_memory, parse_minutes, parse_pairs
from os2cli.core.progress import Progress
from os2cli.core.stage import Stage, StageKind
from os2cli.machines.create import create_machines
from os2cli.machines.environment import machine_environment
from os2cli.machines.names import numbered_names, validate_machine_name
from os2cli.providers.entry import Material, ProviderEntry, entries
from os2cli.providers.labels import RESERVED_PREFIX
from os2cli.settings.settings import variable_here
from os2cli.snapshots.images import ensure_image

NEVER = 0
NEVER_DELETE = -1
DEVELOPMENT_STOP_MINUTES = 12 * 60


@dataclass(frozen=True, slots=True)
class MachineOptions:
    """What the command line said."""

    name: str | None
    count: int
    env: list[str]
    env_files: list[Path]
    labels: list[str] | None
    snapshot: str | None
    stage: str | None
    ttl: str | None
    port: int | None
    cpu: float | None
    memory: str | None
    mount_repo: bool
    build: bool
    allow_secrets: bool
    docker_host: str | None
    public: bool
    auto_stop: str | None
    auto_archive: str | None
    auto_delete: str | None
    no_cache: bool

    def given(self) -> set[str]:
        """The names of the options that were set."""
        fields = {f"--{name.replace('_', '-')}": getattr(self, name) for name in self.__slots__}
        return {name for name, value in fields.items() if value not in (None, False)}


def reject_unsupported(given: MachineOptions, entry: ProviderEntry) -> None:
    """Options that would change nothing are errors."""
    known = frozenset[str]().union(*(other.options for other in entries().values()))
    for option in sorted((given.given() & known) - entry.options):
        other = next(other for other in entries().values() if option in other.options)
        why = f"leave it out, or choose --type {other.type}"
        if option in ("--cpu", "--memory") and entry.material is Material.PUBLISHED_SNAPSHOT:
            why = "resources come with the snapshot: os2 snapshot daytona --cpu … --memory …"
        raise UsageError(
            f"{option} is not for machines on {entry.type}", hint=why, code="option_invalid"
        )
    if given.count > 1 and given.port is not None:
        raise UsageError(
            "--count and --port contradict each other: a port is for one machine",
            hint="leave one of them out",
            code="option_invalid",
        )


def validate(given: MachineOptions) -> None:
    """What is written wrongly is an error before anything is begun."""
    names(given)
    user_labels(given.labels)
    parse_memory(given.memory)
    machine_environment(given.env, given.env_files, variable_here)
    parse_minutes(given.ttl, "--ttl", off=NEVER)
    lifetime(given, LOCAL_STAGE)


@dataclass(frozen=True, slots=True)
class Creation:
    """Machines that were asked for: all of them are made, or none."""

    session: Session
    given: MachineOptions
    entry: ProviderEntry
    wait_seconds: float | None
    progress: Progress

    def run(self) -> list[Machine]:
        """Make them from what machines of their type are made from."""
        match self.entry.material:
            case Material.LOCAL_IMAGE:
                return self._from_image()
            case Material.PUBLISHED_SNAPSHOT:
                return self._from_snapshot()
            case Material.THIS_HOST:
                return self._on_host()

    def _from_image(self) -> list[Machine]:
        """From the local image, which is built when it is missing."""
        session, given = self.session, self.given
        image = given.snapshot or session.settings.image
        specs = self._specifications(
            session.stage(given.stage),
            snapshot=image,
            port=given.port,
            resources=Resources(given.cpu, parse_memory(given.memory)),
            mount_repo=session.repository if given.mount_repo else None,
        )
        source = locate_source(session)
        request = build_request(session, source, tag=image, allow_secrets=given.allow_secrets)
        if given.snapshot is None or given.build:
            builder = session.providers.builder()
            built = ensure_image(builder, request, rebuild=given.build, progress=self.progress)
            note_bundled(session, source, built)
        return self._create(specs)

    def _from_snapshot(self) -> list[Machine]:
        """From the stage's newest snapshot."""
        given = self.given
        stage = self.session.remote_stage(given.stage)
        specs = self._specifications(
            stage,
            snapshot=given.snapshot or "",
            public=given.public,
            lifetime=lifetime(given, stage),
        )
        launcher = snapshot_launcher(
            self.session, self.entry.type, stage, use_cache=not given.no_cache
        )
        return launcher.create(specs, stage, wait_seconds=self.wait_seconds, progress=self.progress)

    def _on_host(self) -> list[Machine]:
        """From what this host has."""
        session, given = self.session, self.given
        specs = self._specifications(
            session.stage(given.stage),
            snapshot="",
            port=given.port,
            mount_repo=session.repository if given.mount_repo else None,
        )
        if self.entry.warning:
            self.progress.warn(self.entry.warning)
        return self._create(specs)

    def _create(self, specs: list[MachineSpec]) -> list[Machine]:
        provider = self.session.providers.machines(self.entry.type)
        return create_machines(
            provider, specs, wait_seconds=self.wait_seconds, progress=self.progress
        )

    def _specifications(self, stage: Stage, **values: Any) -> list[MachineSpec]:
        """One for each machine."""
        given = self.given
        minutes = parse_minutes(given.ttl, "--ttl", off=NEVER)
        common: dict[str, Any] = {
            "stage": stage.name,
            "env": machine_environment(given.env, given.env_files, variable_here),
            "labels": user_labels(given.labels),
            "owner": self.session.owner,
            "expires": datetime.now(UTC) + timedelta(minutes=minutes) if minutes else None,
        }
        return [MachineSpec(name=name, **common, **values) for name in names(given)]


def names(given: MachineOptions) -> list[str]:
    """What the machines shall be called; an empty name is made up when its machine is created."""
    if given.name is None:
        return [""] * given.count
    validate_machine_name(given.name)
    return [given.name] if given.count == 1 else numbered_names(given.name, given.count)


def lifetime(given: MachineOptions, stage: Stage) -> Lifetime:
    """When the machine is ended by itself: only one for development is, unless that was said."""
    development = stage.kind is StageKind.DEVELOPMENT
    stop = parse_minutes(given.auto_stop, "--auto-stop", off=NEVER)
    if stop is None:
        stop = DEVELOPMENT_STOP_MINUTES if development else NEVER
    return Lifetime(
        stop,
        parse_minutes(given.auto_archive, "--auto-archive", off=NEVER),
        parse_minutes(given.auto_delete, "--auto-delete", off=NEVER_DELETE),
    )


def user_labels(values: list[str] | None) -> dict[str, str]:
    """The user's own labels; ours can't be given."""
    labels = parse_pairs(values, "--label")
    for key in labels:
        if key.startswith(RESERVED_PREFIX):
            raise UsageError(
                f"--label {key}: names that begin with dev.os2. are os2's own",
                hint="choose another name for the label",
                code="option_invalid",
            )
    return labels
