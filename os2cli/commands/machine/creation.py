"""From the options of ``machine create`` to a machine, on each provider."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from os2cli import options
from os2cli.errors import UsageError
from os2cli.machine_env import machine_environment
from os2cli.machine_name import validate_machine_name
from os2cli.machines import create_machine
from os2cli.models import Lifetime, Machine, MachineSpec, MachineType, Resources
from os2cli.progress import Progress
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
    env: list[str]
    env_files: list[Path]
    labels: list[str] | None
    snapshot: str | None
    stage: str | None
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

    def set_for(self, type_: MachineType) -> list[str]:
        """The options that were given and that only machines of this type take."""
        if type_ is MachineType.LOCAL_DOCKER:
            mine: dict[str, object] = {
                "--port": self.port,
                "--cpu": self.cpu,
                "--memory": self.memory,
                "--mount-repo": self.mount_repo,
                "--build": self.build,
                "--allow-secrets": self.allow_secrets,
                "--docker-host": self.docker_host,
            }
        else:
            mine = {
                "--public": self.public,
                "--auto-stop": self.auto_stop,
                "--auto-archive": self.auto_archive,
                "--auto-delete": self.auto_delete,
                "--no-cache": self.no_cache,
            }
        return [option for option, value in mine.items() if value not in (None, False)]


def refuse_foreign(given: MachineOptions, type_: MachineType) -> None:
    """Options that would change nothing are errors."""
    for other in MachineType:
        if other is type_:
            continue
        for option in given.set_for(other):
            why = (
                "resources come with the snapshot: os2 snapshot daytona --cpu … --memory …"
                if option in ("--cpu", "--memory")
                else f"leave it out, or choose --type {other.value}"
            )
            raise UsageError(
                f"{option} is not for machines on {type_.value}", hint=why, code="option_invalid"
            )


def create_local(
    session: Session, given: MachineOptions, wait_seconds: float | None, progress: Progress
) -> Machine:
    """A container from the local image, which is built when it is missing."""
    stage = session.stage(given.stage)
    image = given.snapshot or session.settings.image
    spec = MachineSpec(
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
    provider = session.providers.machines(MachineType.LOCAL_DOCKER)
    return create_machine(provider, spec, wait_seconds=wait_seconds, progress=progress)


def create_daytona(
    session: Session, given: MachineOptions, wait_seconds: float | None, progress: Progress
) -> Machine:
    """A sandbox from the stage's newest snapshot."""
    stage = session.remote_stage(given.stage)
    spec = MachineSpec(
        **_common(session, given, stage),
        snapshot=given.snapshot or "",
        public=given.public,
        lifetime=lifetime(given, stage),
    )
    launcher = session.launcher(stage, use_cache=not given.no_cache)
    return launcher.create(spec, stage, wait_seconds=wait_seconds, progress=progress)


def _common(session: Session, given: MachineOptions, stage: Stage) -> dict[str, Any]:
    return {
        "name": validate_machine_name(given.name) if given.name else "",
        "stage": stage.name,
        "env": machine_environment(given.env, given.env_files, variable_here),
        "labels": user_labels(given.labels),
        "owner": session.owner,
    }


def lifetime(given: MachineOptions, stage: Stage) -> Lifetime:
    """When the machine is ended by itself: only one for development is, unless that was said."""
    development = stage.kind is StageKind.DEVELOPMENT
    stop = options.parse_minutes(given.auto_stop, "--auto-stop", off=NEVER)
    if stop is None:
        stop = DEVELOPMENT_STOP_MINUTES if development else NEVER
    return Lifetime(
        stop,
        options.parse_minutes(given.auto_archive, "--auto-archive", off=NEVER),
        options.parse_minutes(given.auto_delete, "--auto-delete", off=NEVER_DELETE),
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
