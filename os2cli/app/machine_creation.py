"""From the options of ``machine create`` to a machine, on each provider."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from os2cli.app.builds import build_request, local_image, locate_source, note_bundled
from os2cli.app.launching import snapshot_launcher
from os2cli.app.machine_options import MachineOptions
from os2cli.app.mounts import check_mount
from os2cli.app.options import changed
from os2cli.app.session import LOCAL_STAGE, Session
from os2cli.core.errors import UsageError
from os2cli.core.limits import Isolation, Resources
from os2cli.core.models import Lifetime, Machine, MachineSpec
from os2cli.core.option_rules import reject_both
from os2cli.core.parsing import parse_log_size, parse_memory, parse_minutes, parse_pairs
from os2cli.core.progress import Progress
from os2cli.core.stage import Stage, StageKind
from os2cli.machines.create import create_machines
from os2cli.machines.environment import machine_environment
from os2cli.machines.names import numbered_names, validate_machine_name
from os2cli.providers.entry import Material, ProviderEntry, entries
from os2cli.providers.labels import RESERVED_PREFIX
from os2cli.settings.settings import variable_here

NEVER = 0
NEVER_DELETE = -1
ISOLATION_OFF = (
    "--isolation off: the machine keeps the engine's capabilities, shares a network with other "
    "containers, and has no limit of memory, processes or logs"
)
DEVELOPMENT_STOP_MINUTES = 12 * 60


def reject_unusable(options: MachineOptions) -> None:
    """Raise ``UsageError`` for options that contradict each other or that the type ignores."""
    reject_both("--timeout", options.timeout is not None, "--no-wait", options.no_wait)
    reject_unsupported(options)
    reject_both(
        "--count",
        options.count > 1,
        "--port",
        options.port is not None,
        reason="each machine needs its own port",
    )


def reject_unsupported(options: MachineOptions) -> None:
    """Raise ``UsageError`` for an option that machines of the type ignore."""
    entry = entries()[options.type_]
    for option, _ in changed(options):
        materials = option.spec.materials
        if entry.material not in materials:
            other = next(other for other in entries().values() if other.material in materials)
            raise UsageError(
                f"{option.flag} is not supported on {entry.type}",
                hint=option.spec.hints.get(
                    entry.material, f"leave it out, or use --type {other.type}"
                ),
                code="option_invalid",
            )


def validate(options: MachineOptions) -> None:
    """Raise ``UsageError`` for an invalid value, before anything is started."""
    names(options)
    user_labels(options.label)
    resources(options)
    variables(options)
    parse_minutes(options.ttl, "--ttl", off=NEVER)
    lifetime(options, LOCAL_STAGE)


@dataclass(frozen=True, slots=True)
class Creation:
    """The creation of one or more machines, all or none."""

    session: Session
    options: MachineOptions
    progress: Progress

    @property
    def entry(self) -> ProviderEntry:
        """The provider of the machines' type."""
        return entries()[self.options.type_]

    @property
    def wait_seconds(self) -> float | None:
        """How long to wait until the machines are healthy; None: not at all."""
        if self.options.no_wait:
            return None
        return self.options.timeout or self.session.settings.timeout_seconds

    def run(self) -> list[Machine]:
        """Create the machines from the material of their type."""
        match self.entry.material:
            case Material.LOCAL_IMAGE:
                return self._from_image()
            case Material.PUBLISHED_SNAPSHOT:
                return self._from_snapshot()
            case Material.THIS_HOST:
                return self._on_host()

    def _from_image(self) -> list[Machine]:
        """Create them from the local image, which is built first when it is missing."""
        session, options = self.session, self.options
        image = options.snapshot or session.settings.image
        if options.mount_repo:
            check_mount(session.repository, self.progress, allow_secrets=options.allow_secrets)
        source = locate_source(session)
        request = replace(
            build_request(
                session, source, allow_secrets=options.allow_secrets, with_git=options.with_git
            ),
            tag=image,
            take_over=options.snapshot is not None,
        )
        specs = self._specifications(
            session.stage(options.stage),
            snapshot=image,
            repository=request.repository,
            port=options.port,
            resources=resources(options),
            isolation=options.isolation or Isolation.DEFAULT,
            mount_repo=session.repository if options.mount_repo else None,
            mount_secrets=options.allow_secrets,
        )
        warn_if_off(options.isolation, self.progress)
        if options.snapshot is None or options.build:
            built = local_image(
                session,
                request,
                self.progress,
                rebuild=options.build,
                question="Replace it?" if options.build else "Create the machine from it?",
                yes=options.yes,
            )
            note_bundled(session, source, built)
        return self._create(specs)

    def _from_snapshot(self) -> list[Machine]:
        """Create them from the snapshot, the stage's newest unless one is named."""
        options = self.options
        stage = self.session.remote_stage(options.stage)
        specs = self._specifications(
            stage,
            snapshot=options.snapshot or "",
            public=options.public,
            lifetime=lifetime(options, stage),
        )
        launcher = snapshot_launcher(
            self.session, self.entry.type, stage, use_cache=not options.no_cache
        )
        return launcher.create(specs, stage, wait_seconds=self.wait_seconds, progress=self.progress)

    def _on_host(self) -> list[Machine]:
        """Create them from what is installed on this host."""
        session, options = self.session, self.options
        specs = self._specifications(
            session.stage(options.stage),
            snapshot="",
            port=options.port,
            mount_repo=session.repository if options.mount_repo else None,
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
        """Return a specification for each machine."""
        options = self.options
        minutes = parse_minutes(options.ttl, "--ttl", off=NEVER)
        common: dict[str, Any] = {
            "stage": stage.name,
            "env": variables(options),
            "labels": user_labels(options.label),
            "owner": self.session.owner,
            "expires": datetime.now(UTC) + timedelta(minutes=minutes) if minutes else None,
        }
        return [MachineSpec(name=name, **common, **values) for name in names(options)]


def names(options: MachineOptions) -> list[str]:
    """Return a name for each machine; an empty one is generated at creation."""
    if options.name is None:
        return [""] * options.count
    validate_machine_name(options.name)
    return [options.name] if options.count == 1 else numbered_names(options.name, options.count)


def variables(options: MachineOptions) -> dict[str, str]:
    """Return the variables for the machine, as ``--env`` and ``--env-file`` say."""
    return machine_environment(options.env or [], options.env_file or [], variable_here)


def resources(options: MachineOptions) -> Resources:
    """Return the limits that the options ask for."""
    memory, log_size = parse_memory(options.memory), parse_log_size(options.log_size)
    return Resources(options.cpu, memory, log_size)


def warn_if_off(isolation: Isolation | None, progress: Progress) -> None:
    """Warn of a machine that only the engine's defaults keep from this host."""
    if isolation is Isolation.OFF:
        progress.warn(ISOLATION_OFF)


def warn_if_kept(machine: Machine, isolation: Isolation | None, progress: Progress) -> None:
    """Warn of a machine that exists with another isolation than the one asked for."""
    if isolation not in (None, machine.isolation):
        name = machine.name
        progress.warn(
            f"machine {name} keeps isolation {machine.isolation}; to replace it: "
            f"os2 machine rm {name}, then os2 up {name} --isolation {isolation}"
        )


def lifetime(options: MachineOptions, stage: Stage) -> Lifetime:
    """Return when Daytona stops the machine: by default only machines for development stop."""
    development = stage.kind is StageKind.DEVELOPMENT
    stop = parse_minutes(options.auto_stop, "--auto-stop", off=NEVER)
    if stop is None:
        stop = DEVELOPMENT_STOP_MINUTES if development else NEVER
    return Lifetime(
        stop,
        parse_minutes(options.auto_archive, "--auto-archive", off=NEVER),
        parse_minutes(options.auto_delete, "--auto-delete", off=NEVER_DELETE),
    )


def user_labels(values: list[str] | None) -> dict[str, str]:
    """Read the values of ``--label``; raise ``UsageError`` for a key that is reserved."""
    labels = parse_pairs(values, "--label")
    for key in labels:
        if key.startswith(RESERVED_PREFIX):
            raise UsageError(
                f"--label {key}: the prefix {RESERVED_PREFIX} is reserved for os2",
                hint="use another key",
                code="option_invalid",
            )
    return labels
