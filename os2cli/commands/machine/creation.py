"""From the options of ``machine create`` to a machine, on each provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from os2cli import options
from os2cli.durations import parse_minutes
from os2cli.errors import UsageError
from os2cli.machine_env import machine_environment
from os2cli.machine_name import numbered_names, validate_machine_name
from os2cli.machines import create_machines
from os2cli.models import Lifetime, Machine, MachineSpec, Resources
from os2cli.progress import Progress
from os2cli.providers.entry import Material, ProviderEntry, entries
from os2cli.session import Session
from os2cli.settings import variable_here
from os2cli.snapshots import ensure_image
from os2cli.stage import Stage, StageKind

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


def refuse_foreign(given: MachineOptions, entry: ProviderEntry) -> None:
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


def create(
    session: Session,
    given: MachineOptions,
    entry: ProviderEntry,
    wait_seconds: float | None,
    progress: Progress,
) -> list[Machine]:
    """The machines that were asked for, all of them or none."""
    make = {
        Material.LOCAL_IMAGE: create_from_image,
        Material.PUBLISHED_SNAPSHOT: create_from_snapshot,
        Material.THIS_HOST: create_on_host,
    }[entry.material]
    return make(session, given, entry, wait_seconds, progress)


def create_from_image(
    session: Session,
    given: MachineOptions,
    entry: ProviderEntry,
    wait_seconds: float | None,
    progress: Progress,
) -> list[Machine]:
    """Machines from the local image, which is built when it is missing."""
    stage = session.stage(given.stage)
    image = given.snapshot or session.settings.image
    specs = specifications(
        given,
        **_common(session, given, stage),
        snapshot=image,
        port=given.port,
        resources=Resources(given.cpu, parse_memory(given.memory)),
        mount_repo=session.repository if given.mount_repo else None,
    )
    source = session.source()
    request = session.build_request(source, tag=image, allow_secrets=given.allow_secrets)
    if given.snapshot is None or given.build:
        built = ensure_image(
            session.providers.builder(), request, rebuild=given.build, progress=progress
        )
        session.tell_origin(source, built)
    provider = session.providers.machines(entry.type)
    return create_machines(provider, specs, wait_seconds=wait_seconds, progress=progress)


def create_from_snapshot(
    session: Session,
    given: MachineOptions,
    entry: ProviderEntry,
    wait_seconds: float | None,
    progress: Progress,
) -> list[Machine]:
    """Machines from the stage's newest snapshot."""
    stage = session.remote_stage(given.stage)
    specs = specifications(
        given,
        **_common(session, given, stage),
        snapshot=given.snapshot or "",
        public=given.public,
        lifetime=lifetime(given, stage),
    )
    launcher = session.launcher(entry.type, stage, use_cache=not given.no_cache)
    return launcher.create(specs, stage, wait_seconds=wait_seconds, progress=progress)


def create_on_host(
    session: Session,
    given: MachineOptions,
    entry: ProviderEntry,
    wait_seconds: float | None,
    progress: Progress,
) -> list[Machine]:
    """Machines from what this host has."""
    specs = specifications(
        given,
        **_common(session, given, session.stage(given.stage)),
        snapshot="",
        port=given.port,
        mount_repo=session.repository if given.mount_repo else None,
    )
    if entry.warning:
        progress.warn(entry.warning)
    provider = session.providers.machines(entry.type)
    return create_machines(provider, specs, wait_seconds=wait_seconds, progress=progress)


def specifications(given: MachineOptions, **values: Any) -> list[MachineSpec]:
    """One for each machine; without a name their provider is asked with one after the other."""
    if given.name is None:
        return [MachineSpec(name="", **values)] * given.count
    validate_machine_name(given.name)
    if given.count == 1:
        return [MachineSpec(name=given.name, **values)]
    return [MachineSpec(name=name, **values) for name in numbered_names(given.name, given.count)]


def _common(session: Session, given: MachineOptions, stage: Stage) -> dict[str, Any]:
    minutes = parse_minutes(given.ttl, "--ttl", off=NEVER)
    return {
        "stage": stage.name,
        "env": machine_environment(given.env, given.env_files, variable_here),
        "labels": user_labels(given.labels),
        "owner": session.owner,
        "expires": datetime.now(UTC) + timedelta(minutes=minutes) if minutes else None,
    }


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
    labels = options.parse_pairs(values, "--label")
    for key in labels:
        if key.startswith("dev.os2."):
            raise UsageError(
                f"--label {key}: names that begin with dev.os2. are os2's own",
                hint="choose another name for the label",
                code="option_invalid",
            )
    return labels


def parse_memory(text: str | None) -> int | None:
    """Read ``512m``, ``2g`` or a number of bytes."""
    if text is None:
        return None
    from docker.errors import DockerException
    from docker.utils import parse_bytes

    try:
        size = int(parse_bytes(text))
    except (DockerException, ValueError, OverflowError):
        size = 0
    if size < 6 * 1024 * 1024:
        raise UsageError(
            f"--memory {text} is no usable amount of memory",
            hint="write it as 512m or 2g; engines want at least 6m",
            code="option_invalid",
        )
    return size
